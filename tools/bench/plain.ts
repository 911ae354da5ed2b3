// A workload in; what it must come to, by the tests' plain JavaScript in f64, and whether somebody's results are that, out.
import type { Workload } from '../../src/bench/workload.ts';
import { PROJECTIONS, STEP } from '../../src/bench/workloads.ts';
import type { Node } from '../../src/graph/op.ts';
import { lastDim, numel } from '../../src/tensor/tensor.ts';
import { adamwStep } from '../../test/reference/adamw.ts';
import { attention, attentionBackward } from '../../test/reference/attention.ts';
import { conv2d, conv2dBackward } from '../../test/reference/conv2d.ts';
import { geglu } from '../../test/reference/geglu.ts';
import { groupNorm, groupNormBackward } from '../../test/reference/group-norm.ts';
import { layerNorm } from '../../test/reference/layer-norm.ts';
import { linear, linearBackward } from '../../test/reference/linear.ts';
import { mseLoss, mseLossBackward } from '../../test/reference/mse-loss.ts';
import type { Values } from '../../test/reference/values.ts';
import { relativeL2 } from '../golden-run.ts';

/** On rel. L2. Sums of 1e4 products in f32 stay below 1e-6, a driver's fast exp below 1e-5; a wrong kernel is off by 1e-3 and more. */
const BAR = 1e-4;
/** Adam divides a gradient by its size: where that is nothing but rounding, a parameter moves the other way by a whole learning rate. */
const ADAM_BAR = 1e-3;

export type Expected = ReadonlyMap<string, Values>;
type Of = (name: string) => Float32Array<ArrayBuffer>;

/** By its only op, or the training step. */
export function expectedOf({ graphs, values }: Workload): Expected {
  const of: Of = (name) => {
    const found = values.get(name);
    if (!found) throw new Error(`no values for ${name}; there are ${[...values.keys()].join(', ')}`);
    return found;
  };
  if (graphs.train) return step(of);
  return new Map(Object.entries(oneOp(graphs.run?.graph.nodes[0] as Node, of)));
}

/** A sentence on the first result that is not as expected; null: all are. */
export function wrong(got: ReadonlyMap<string, Values>, expected: Expected): string | null {
  for (const [name, want] of expected) {
    const values = got.get(name);
    if (values?.length !== want.length)
      return `${name}: expected ${want.length} values, got ${values?.length ?? 'none'}`;
    const error = relativeL2(Float32Array.from(values), Float32Array.from(want));
    const bar = name.includes('.lora.') && !name.startsWith('d ') ? ADAM_BAR : BAR;
    if (!(error <= bar)) return `${name}: rel. L2 ${error.toExponential(1)} from plain JavaScript, at most ${bar}`;
  }
  return null;
}

/** What a backward op takes from its forward is put in as that would give it: shapes alone are enough for timing, not for a result. */
export function withForward(workload: Workload): Workload {
  const node = workload.graphs.run?.graph.nodes[0];
  const of: Of = (name) => workload.values.get(name) as Float32Array<ArrayBuffer>;
  const put = (extra: Record<string, Float32Array<ArrayBuffer>>): Workload => ({
    ...workload,
    values: new Map([...workload.values, ...Object.entries(extra)]),
  });
  if (node?.op.name === 'attention-backward') {
    const { batch, queries, keys, heads, headDim } = attentionDims(node);
    const lse = new Float32Array(batch * heads * queries);
    const [q, k] = [of('q'), of('k')];
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < queries; t++) {
        let sum = 0;
        for (let s = 0; s < keys; s++) {
          let dot = 0;
          for (let c = h * headDim; c < (h + 1) * headDim; c++)
            dot += (q[t * heads * headDim + c] as number) * (k[s * heads * headDim + c] as number);
          sum += Math.exp(dot / Math.sqrt(headDim));
        }
        lse[h * queries + t] = Math.log(sum);
      }
    return put({ lse });
  }
  if (node?.op.name === 'group-norm-backward') {
    const { mean, rstd } = groupNorm(of('x'), of('gamma'), of('beta'), normDims(node));
    return put({ mean: Float32Array.from(mean), rstd: Float32Array.from(rstd) });
  }
  return workload;
}

function oneOp(node: Node, of: Of): Record<string, Values> {
  const shapeOf = (name: string): readonly number[] => node.inputs[name]?.shape ?? [];
  switch (node.op.name) {
    case 'linear':
      return { y: linear(of('x'), of('w'), undefined, linearDims(shapeOf('x'), shapeOf('w'))) };
    case 'linear-dx': {
      const [n = 0, k = 0] = shapeOf('w');
      const d = { rows: numel(shapeOf('dy')) / n, inFeatures: k, outFeatures: n };
      return { dx: linearBackward(new Float32Array(d.rows * k), of('w'), of('dy'), d).dx };
    }
    case 'conv2d':
      return { y: conv2d(of('x'), of('w'), undefined, convDims(shapeOf('x'), shapeOf('w'))) };
    case 'conv2d-dx': {
      const d = convDims(shapeOf('dy'), shapeOf('w'));
      const x = new Float32Array(d.height * d.width * d.inChannels);
      return { dx: conv2dBackward(x, of('w'), of('dy'), d).dx };
    }
    case 'attention':
      return { y: attention(of('q'), of('k'), of('v'), attentionDims(node)) };
    case 'attention-backward':
      return attentionBackward(of('q'), of('k'), of('v'), of('dy'), attentionDims(node));
    case 'group-norm':
      return { y: groupNorm(of('x'), of('gamma'), of('beta'), normDims(node)).y };
    case 'group-norm-backward':
      return { dx: groupNormBackward(of('x'), of('gamma'), of('beta'), of('dy'), normDims(node)) };
    case 'layer-norm': {
      const width = lastDim(shapeOf('x'));
      const d = { rows: numel(shapeOf('x')) / width, channels: width, eps: Number(node.attrs.eps) };
      return { y: layerNorm(of('x'), of('gamma'), of('beta'), d).y };
    }
    case 'geglu':
      return { y: geglu(of('x'), numel(shapeOf('x')) / lastDim(shapeOf('x'))) };
    default:
      throw new Error(`${node.op.name} has no plain twin here: add it to tools/bench/plain.ts`);
  }
}

const linearDims = (x: readonly number[], [n = 0, k = 0]: readonly number[]) => ({
  ...{ rows: numel(x) / k, inFeatures: k, outFeatures: n },
});
/** Of pictures in or out: padding 1 and stride 1 keep the size. */
const convDims = ([, height = 0, width = 0]: readonly number[], [o = 0, , , i = 0]: readonly number[]) => ({
  ...{ batch: 1, height, width, inChannels: i, outChannels: o, kernel: 3, stride: 1, pad: 1 },
});
function attentionDims({ inputs, attrs }: Node) {
  const [batch = 1, queries = 0, c = 0] = inputs.q?.shape ?? [];
  const heads = Number(attrs.heads);
  return { batch, queries, keys: inputs.k?.shape[1] ?? 0, heads, headDim: c / heads };
}
function normDims({ inputs, attrs }: Node) {
  const shape = inputs.x?.shape ?? [];
  const channels = lastDim(shape);
  const { groups, eps, silu } = attrs;
  return {
    batch: 1,
    positions: numel(shape) / channels,
    channels,
    groups: Number(groups),
    eps: Number(eps),
    silu: silu === true,
  };
}

function step(of: Of): Expected {
  const { side, channels: c, groups, eps, heads, rank, adam } = STEP;
  const tokens = side ** 2;
  const norm = { batch: 1, positions: tokens, channels: c, groups, eps, silu: true };
  const conv = convDims([1, side, side, c], [c, 3, 3, c]);
  const attended = { batch: 1, queries: tokens, keys: tokens, heads, headDim: c / heads };
  const wide = { rows: tokens, inFeatures: c, outFeatures: c };
  const [into, outOf] = [
    { rows: tokens, inFeatures: c, outFeatures: rank },
    { rows: tokens, inFeatures: rank, outFeatures: c },
  ];
  const x = of('x');
  const normed = groupNorm(x, of('norm.weight'), of('norm.bias'), norm).y;
  const once = conv2d(normed, of('conv1.weight'), undefined, conv);
  const h = added(conv2d(once, of('conv2.weight'), undefined, conv), x);

  const gradients = new Map<string, Values>();
  const layer = (name: string, input: Values) => {
    const [w, down, up] = [of(`${name}.weight`), of(`${name}.lora.down`), of(`${name}.lora.up`)];
    const low = linear(input, down, undefined, into);
    const y = added(linear(input, w, undefined, wide), linear(low, up, undefined, outOf));
    const back = (dy: Values): Float64Array => {
      const ofUp = linearBackward(low, up, dy, outOf);
      const ofDown = linearBackward(input, down, ofUp.dx, into);
      gradients.set(`${name}.lora.down`, ofDown.dweight).set(`${name}.lora.up`, ofUp.dweight);
      return added(linearBackward(input, w, dy, wide).dx, ofDown.dx);
    };
    return { y, back };
  };
  const [q, k, v] = [layer('to_q', h), layer('to_k', h), layer('to_v', h)];
  const mixed = attention(q.y, k.y, v.y, attended);
  const out = layer('to_out.0', mixed);

  const dMixed = out.back(mseLossBackward(out.y, of('target'), 1));
  const { dq, dk, dv } = attentionBackward(q.y, k.y, v.y, dMixed, attended);
  const dh = added(added(q.back(dq), k.back(dk)), v.back(dv));
  const dOnce = conv2dBackward(once, of('conv2.weight'), dh, conv).dx;
  const dNormed = conv2dBackward(normed, of('conv1.weight'), dOnce, conv).dx;
  const dx = added(groupNormBackward(x, of('norm.weight'), of('norm.bias'), dNormed, norm), dh);

  const expected = new Map<string, Values>([
    ['loss', [mseLoss(out.y, of('target'))]],
    ['dx', dx],
  ]);
  for (const name of PROJECTIONS.flatMap((one) => [`${one}.lora.down`, `${one}.lora.up`])) {
    const gradient = gradients.get(name) as Float64Array;
    const zeros = () => Array.from({ length: gradient.length }, () => 0);
    const run = {
      ...{ params: [...of(name)], m: zeros(), v: zeros() },
      ...{ step: 0, lossScale: 1, goodSteps: 0, skipped: 0, gradientNorm: 0, clipCoefficient: 1 },
    };
    adamwStep(run, [...gradient], {
      ...{ ...adam, learningRates: [adam.learningRate], clip: 0, weightDecay: 0 },
      ...{ dynamicLossScale: false, growthInterval: 1, largestScale: 1 },
    });
    expected.set(`d ${name}`, gradient).set(name, run.params);
  }
  return expected;
}

const added = (a: Values, b: Values): Float64Array => Float64Array.from(a, (value, i) => value + (b[i] as number));
