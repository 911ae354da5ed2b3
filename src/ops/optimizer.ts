// The optimizer's ops: gradients, moments and step state (all flat, all f32) → updated LoRA parameters. Emitted after the backward walk.
import type { Graph } from '../graph/graph.ts';
import type { Op } from '../graph/op.ts';
import { numel, type Tensor } from '../tensor/tensor.ts';
import { adamw8bit } from './adamw-8bit.ts';
import { elementwise, expectShape, need } from './elementwise.ts';
import { commonWidth, f32, operands } from './launch.ts';
import { betas, STATE_SIZE, slotDefines } from './step-state.ts';

/** Workgroups of the first stage: a thread adds ≥ 4 units; 1024 fill any GPU and are four loads a thread of the second stage. */
const workgroups = (count: number): number => Math.min(1024, Math.ceil(count / (4 * 256)));

/** Sums of squares of all gradients, and how many are Inf or NaN: grads (n) → partials (workgroups, 2). */
export const gradNorm: Op = {
  name: 'grad-norm',
  shape: (inputs) => {
    const [grads] = need('grad-norm', inputs, 'grads');
    return { partials: { shape: [workgroups(numel(grads.shape) / commonWidth(grads)), 2], dtype: 'f32' } };
  },
  launches: ({ inputs: { grads }, outputs: { partials } }) => {
    const width = commonWidth(grads as Tensor);
    const count = numel((grads as Tensor).shape) / width;
    const stages = workgroups(count);
    const launch = elementwise(
      'grad-norm',
      'partial_sums',
      width,
      { count, stride: stages * 256 },
      { grads },
      {},
      { GROUP: 256 },
    );
    return [{ ...launch, writes: operands(2, { partials }), workgroups: [stages, 1, 1] }];
  },
};

/**
 * What this step does, decided on the GPU: partials, learningRates (steps: any schedule is a table; its last value goes on), state → state.
 * A finite norm: coefficient = min(1, clip / (norm + 1e-6)) (torch clip_grad_norm_; clip 0: none), step + 1, bias corrections.
 * Else: finite = 0, skipped + 1, and nothing advances. With dynamicLossScale the scale halves then, and doubles after growthInterval
 * finite steps in a row, up to largestScale (torch.amp.GradScaler); without, it stays.
 * Attrs: clip, beta1, beta2, dynamicLossScale, growthInterval, largestScale. `state` must be given as output too: it is updated in place.
 */
export const stepState: Op = {
  name: 'step-state',
  shape: (inputs) => {
    const [state] = need('step-state', inputs, 'state', 'partials', 'learningRates');
    expectShape('step-state: state', state, [STATE_SIZE]);
    return { state: { shape: state.shape, dtype: 'f32' } };
  },
  launches: ({ inputs: { partials, learningRates }, outputs: { state }, attrs }) => {
    const clip = Number(attrs.clip);
    const dims = {
      count: (partials as Tensor).shape[0]!,
      steps: numel((learningRates as Tensor).shape),
      growth_interval: Number(attrs.growthInterval),
      largest_scale: f32(Number(attrs.largestScale)),
      clip: f32(clip),
      ...betas(attrs),
    };
    const defines = { GROUP: 256, DYNAMIC: attrs.dynamicLossScale === true, CLIP: clip > 0, ...slotDefines };
    const launch = elementwise('grad-norm', 'step_state', 1, dims, {}, { state }, defines);
    const reads = { ...operands(2, { partials }), ...operands(1, { learning_rates: learningRates }) };
    return [{ ...launch, reads, workgroups: [1, 1, 1] }];
  },
};

/**
 * One step of torch.optim.AdamW (decoupled weight decay, bias correction, eps outside the root) over params, m, v (n), with gradients
 * unscaled and clipped by the state; then zeroes grads. Where the state says the step is not finite, it only zeroes grads.
 * Attrs: beta1, beta2, epsilon, weightDecay. The four must be given as outputs too: they are updated in place.
 */
export const adamw: Op = {
  name: 'adamw',
  shape: (inputs) => {
    const [state, ...flat] = need('adamw', inputs, 'state', 'params', 'grads', 'm', 'v');
    expectShape('adamw: state', state, [STATE_SIZE]);
    for (const t of flat) expectShape(`adamw: ${t.name}`, t, flat[0]!.shape);
    const spec = { shape: flat[0]!.shape, dtype: 'f32' as const };
    return { params: spec, grads: spec, m: spec, v: spec };
  },
  launches: ({ inputs: { state }, outputs: { params, grads, m, v }, attrs }) => {
    const width = commonWidth(params as Tensor);
    const dims = {
      count: numel((params as Tensor).shape) / width,
      ...betas(attrs),
      epsilon: f32(Number(attrs.epsilon)),
      weight_decay: f32(Number(attrs.weightDecay)),
    };
    const launch = elementwise('adamw', 'adamw', width, dims, {}, { params, grads, m, v }, slotDefines);
    return [{ ...launch, reads: operands(1, { state }) }];
  },
};

/** What the moments are kept in: f32, as torch's, or packed, as bitsandbytes' 8-bit ones (ops/adamw-8bit.ts). */
export type Moments = { m: Tensor; v: Tensor } | { moments: Tensor; blocks: Tensor; map: Tensor };
export interface OptimizerTensors {
  params: Tensor; // (n) the flat LoRA buffer
  grads: Tensor; // (n)
  kept: Moments;
  state: Tensor; // (16)
  learningRates: Tensor; // (steps)
}
export interface OptimizerAttrs {
  clip: number; // largest gradient norm; 0: no clipping
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  dynamicLossScale: boolean;
  growthInterval: number; // finite steps after which the loss scale doubles
  largestScale: number;
}

/** Emits a whole optimizer step: norm, state, update. In-place tensors are named as inputs and outputs, and bound once. */
export function optimizerStep(g: Graph, t: OptimizerTensors, attrs: OptimizerAttrs): void {
  const { params, grads, kept, state, learningRates } = t;
  const { partials } = g.emit(gradNorm, { grads });
  g.emit(stepState, { partials, learningRates, state }, { ...attrs }, { state });
  if ('m' in kept) {
    const { m, v } = kept;
    g.emit(adamw, { state, params, grads, m, v }, { ...attrs }, { params, grads, m, v });
  } else {
    const { moments, blocks, map } = kept;
    g.emit(adamw8bit, { state, params, grads, moments, blocks, map }, { ...attrs }, { params, grads, moments });
  }
}
