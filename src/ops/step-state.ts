// The step state: the few numbers that live on the GPU across steps (with two steps in flight the CPU learns of an overflow too late).
import type { Attrs } from '../graph/op.ts';
import { f32 } from './launch.ts';

/** Places in the `state` tensor, [16] f32 of kind 'state'. */
export const SLOT = {
  step: 0, // updates taken so far; a skipped step does not count
  lossScale: 1, // what the gradients in the buffer are multiplied by
  goodSteps: 2, // finite steps since the scale last changed
  skipped: 3, // steps skipped so far
  gradientNorm: 4, // of the last finite step, unscaled, before clipping
  clipCoefficient: 5, // min(1, clip / (norm + 1e-6))
  finite: 6, // 1, or 0 where the last step was skipped
  learningRate: 7, // of the last finite step
  biasCorrection1: 8, // 1 − beta1^step, kept as c ← beta·c + (1 − beta): no pow, and no cancellation as in 1 − 0.999
  biasCorrection2: 9,
  gradientScale: 10, // clipCoefficient / lossScale: what AdamW multiplies gradients by
} as const;
export type SlotName = keyof typeof SLOT;
export const STATE_SIZE = 16;

/** The state before the first step. @param lossScale 1 for f32 activations; 2^16, say, where gradients are stored f16. */
export function initialState(lossScale: number): Float32Array<ArrayBuffer> {
  const state = new Float32Array(STATE_SIZE);
  state[SLOT.lossScale] = lossScale;
  state[SLOT.clipCoefficient] = 1;
  state[SLOT.finite] = 1;
  return state;
}

/** Defines for shaders: LOSS_SCALE = 1 and so on, so that the places are said once. */
export const slotDefines: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(SLOT).map(([name, place]) => [name.replace(/([A-Z]|\d)/g, '_$1').toUpperCase(), place]),
);

/** 1 − beta is taken here, in f64: 1 − 0.999 in f32 is off by 1e-5. */
export const betas = (attrs: Attrs) => ({
  beta1: f32(Number(attrs.beta1)),
  one_minus_beta1: f32(1 - Number(attrs.beta1)),
  beta2: f32(Number(attrs.beta2)),
  one_minus_beta2: f32(1 - Number(attrs.beta2)),
});
