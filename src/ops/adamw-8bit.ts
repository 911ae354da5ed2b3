// AdamW with moments of 8 bits: gradients, state and packed moments → updated LoRA parameters, in place of ops/optimizer.ts' AdamW.
import type { Op } from '../graph/op.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { elementwise, expectShape, need } from './elementwise.ts';
import { f32, grid, operands } from './launch.ts';
import { betas, STATE_SIZE, slotDefines } from './step-state.ts';

/**
 * One step of bitsandbytes' AdamW8bit (≥ 0.44, CUDA): p −= lr · √c₂ / c₁ · m / (√v + √c₂ · ε), then p ·= 1 − lr · decay; the moments are quantised
 * last, in blocks of 256 that share an absmax. Then zeroes grads; where the state says the step is not finite, it only zeroes them.
 * state (16), map (512: the values of first moments' codes, then of second's), blocks (4 per block, u32; src/plan/moments.ts), moments (u32 words).
 * Attrs: beta1, beta2, epsilon, weightDecay. params, grads and moments must be given as outputs too: they are updated in place.
 */
export const adamw8bit: Op = {
  name: 'adamw-8bit',
  shape: (inputs) => {
    const [state, map, blocks, params, grads, moments] = need(
      'adamw-8bit',
      inputs,
      ...(['state', 'map', 'blocks', 'params', 'grads', 'moments'] as const),
    );
    expectShape('adamw-8bit: state', state, [STATE_SIZE]);
    expectShape('adamw-8bit: map', map, [512]);
    expectShape('adamw-8bit: blocks', blocks, [blocks.shape[0] as number, 4]);
    expectShape('adamw-8bit: grads', grads, params.shape);
    const spec = { shape: params.shape, dtype: 'f32' as const };
    return { params: spec, grads: spec, moments: { shape: moments.shape } };
  },
  launches: ({ inputs: { state, map, blocks }, outputs: { params, grads, moments }, attrs }) => {
    const count = (blocks as Tensor).shape[0] as number;
    const dims = {
      count,
      ...betas(attrs),
      epsilon: f32(Number(attrs.epsilon)),
      weight_decay: f32(Number(attrs.weightDecay)),
    };
    const defines = { GROUP: 256, ...slotDefines };
    const launch = elementwise('adamw-8bit', 'adamw_8bit', 1, dims, {}, { params, grads, moments }, defines);
    return [{ ...launch, reads: operands(1, { state, map, blocks }), workgroups: grid(count) }];
  },
};
