// Nothing in; the five workloads and the training step that Darkroom is compared on with others, as graphs of its own ops, out.
import { backward } from '../graph/backward.ts';
import { Graph } from '../graph/graph.ts';
import type { Node } from '../graph/op.ts';
import { updateGraph } from '../model/graphs.ts';
import { type LoraSpec, linearLayer } from '../model/lora.ts';
import { attention } from '../ops/attention.ts';
import { conv2d } from '../ops/conv2d.ts';
import { groupNorm } from '../ops/group-norm.ts';
import { linear } from '../ops/linear.ts';
import { mseLoss } from '../ops/mse-loss.ts';
import { initialState, STATE_SIZE } from '../ops/step-state.ts';
import { numel, type Tensor } from '../tensor/tensor.ts';
import { valuesOf } from './bench-program.ts';
import { oneOp, unitVariance, type Workload } from './workload.ts';

/** Sizes, for whoever computes the same by other means. */
export const GEMMS = [
  { m: 1024, k: 1024, n: 1024 },
  { m: 1024, k: 640, n: 2560 },
] as const;
export const CONV = { side: 32, channels: 320 } as const;
export const ATTENTION = { heads: 8, tokens: 1024, width: 320 } as const;
export const NORM = { side: 64, channels: 320, groups: 32, eps: 1e-5 } as const;

export const gemmWorkload = ({ m, k, n }: { m: number; k: number; n: number }): Workload =>
  oneOp({
    name: m === n && n === k ? `GEMM ${m}³` : `GEMM [${m}×${k}]·[${k}×${n}]`,
    ...{ op: linear, inputs: { x: [m, k], w: [n, k] }, weights: ['w'], outputs: ['y'] },
  });

export function convWorkload(): Workload {
  const { side, channels: c } = CONV;
  return oneOp({
    name: `conv 3×3, ${side}×${side}, ${c}→${c}`,
    ...{ op: conv2d, inputs: { x: [1, side, side, c], w: [c, 3, 3, c] }, weights: ['w'] },
    ...{ attrs: { stride: 1 }, outputs: ['y'] },
  });
}

export function attentionWorkload(): Workload {
  const { heads, tokens, width } = ATTENTION;
  const shape = [1, tokens, width];
  return oneOp({
    name: `self-attention, ${heads} heads, ${tokens} tokens, d ${width / heads}`,
    ...{ op: attention, inputs: { q: shape, k: shape, v: shape }, attrs: { heads }, outputs: ['y'] },
  });
}

export function normWorkload(): Workload {
  const { side, channels: c, groups, eps } = NORM;
  return oneOp({
    name: `GroupNorm(${groups}) + SiLU, ${side}×${side}×${c}`,
    ...{ op: groupNorm, inputs: { x: [1, side, side, c], gamma: [c], beta: [c] }, weights: ['gamma', 'beta'] },
    ...{ attrs: { groups, eps, silu: true }, outputs: ['y'] },
  });
}

/**
 * h = x + conv(conv(silu(norm(x)))); q, k, v from h and the output's projection, each with an adapter of `rank` and scale 1; loss = mean((y − target)²);
 * gradients of x and of the adapters; one step of Adam on these.
 */
export const STEP = {
  ...{ side: 32, channels: 64, groups: 32, eps: 1e-5, heads: 4, rank: 4 },
  adam: { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
} as const;
export const PROJECTIONS = ['to_q', 'to_k', 'to_v', 'to_out.0'] as const;

/** FLOPs that nobody can do without: forward, gradients of inputs and of the adapters' factors. */
export function stepFlops(): number {
  const { side, channels: c, rank } = STEP;
  const tokens = side ** 2;
  const conv = 2 * tokens * 9 * c * c;
  const projection = 2 * tokens * c * c;
  const adapter = 2 * tokens * 2 * c * rank; // both factors
  const attended = 4 * tokens * tokens * c;
  return 2 * 2 * conv + PROJECTIONS.length * (2 * projection + 3 * adapter) + 3 * attended;
}

export function stepWorkload(): Workload {
  const { side, channels: c, groups, eps, heads, rank, adam } = STEP;
  const tokens = side ** 2;
  const g = new Graph('f32');
  const viewed = (t: Tensor, shape: readonly number[]): Tensor => ({ ...t, shape });
  const weight = (name: string, shape: readonly number[]): Tensor => g.param(name, shape, 'weight', 'f16');
  const adapters: LoraSpec = { rank, targets: PROJECTIONS, scale: g.tensor('scale', [1], 'input') };
  // Declared first, the adapters lie first in the flat buffer: Adam sees them alone.
  for (const name of PROJECTIONS) {
    g.param(`${name}.lora.down`, [rank, c], 'lora', 'f32');
    g.param(`${name}.lora.up`, [c, rank], 'lora', 'f32');
  }
  const x = g.param('x', [1, side, side, c], 'lora', 'f32'); // so that its gradient is wanted
  const norm = { gamma: weight('norm.weight', [c]), beta: weight('norm.bias', [c]) };
  const normed = g.emit(groupNorm, { x, ...norm }, { groups, eps, silu: true }).y as Tensor;
  const once = g.emit(conv2d, { x: normed, w: weight('conv1.weight', [c, 3, 3, c]) }, { stride: 1 }).y as Tensor;
  const w2 = weight('conv2.weight', [c, 3, 3, c]);
  const h = viewed(g.emit(conv2d, { x: once, w: w2, addend: x }, { stride: 1 }).y as Tensor, [1, tokens, c]);
  const layer = (name: string, from: Tensor): Tensor => linearLayer(g, name, from, c, { bias: false, lora: adapters });
  const mixed = g.emit(attention, { q: layer('to_q', h), k: layer('to_k', h), v: layer('to_v', h) }, { heads });
  const pred = layer('to_out.0', mixed.y as Tensor);
  const target = g.tensor('target', pred.shape, 'input');
  const state = g.param('step', [STATE_SIZE], 'state', 'f32');
  const loss = g.tensor('loss', [1], 'output');
  g.emit(mseLoss, { pred, target, state }, { weight: 1 }, { loss });
  const forwardCount = g.nodes.length;
  backward(g, g.nodes[forwardCount - 1] as Node);
  const dx = g.nodes.at(-1)?.outputs.dx as Tensor;

  const factors = g.tensors.filter(({ kind, name }) => kind === 'lora' && name !== 'x');
  const values = factors.reduce((sum, { shape }) => sum + numel(shape), 0); // each a multiple of the alignment: no gaps
  const update = updateGraph(values, 1, {
    ...{ clip: 0, weightDecay: 0, beta1: adam.beta1, beta2: adam.beta2, epsilon: adam.epsilon },
    ...{ dynamicLossScale: false, growthInterval: 1, largestScale: 1 },
  });
  const graphs = { train: { graph: g, forwardCount }, update };
  const fill: Parameters<typeof valuesOf>[1] = (t) => {
    if (t.name === 'step') return initialState(1);
    if (t.name === 'learning_rates') return new Float32Array([adam.learningRate]);
    if (t.name === 'm' || t.name === 'v') return 0;
    if (t.name === 'scale') return new Float32Array([1]);
    if (t.name.endsWith('.lora.down')) return Math.sqrt(1 / c);
    if (t.name.endsWith('.lora.up')) return 0.1;
    return unitVariance(t);
  };
  return {
    name: `training step, ${c} channels, ${side}×${side}`,
    ...{ work: stepFlops(), unit: 'FLOP', graphs, values: valuesOf(graphs, fill) },
    results: [
      { name: 'loss', plan: 'train', tensor: loss },
      { name: 'dx', plan: 'train', tensor: dx },
      ...factors.map((t) => ({ name: `d ${t.name}`, plan: 'train', tensor: g.gradOf(t) })),
      ...factors.map((t) => ({ name: t.name, plan: 'update', tensor: t })),
    ],
  };
}
