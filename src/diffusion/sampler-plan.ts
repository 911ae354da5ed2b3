// What a sampler does, as numbers: weights and tensors in, the next latents out. The same sum for every sampler.

/** One question to the U-Net and what follows from its answer: next latents = Σ weight · tensor, over five tensors at most. */
export interface SamplerStep {
  timestep: number; // between two whole numbers for Euler on an evenly divided schedule
  inputScale: number; // the U-Net reads latents · inputScale
  latents: readonly number[]; // weights of the latents, this step's first, then the step's before
  outputs: readonly number[]; // weights of the U-Net's answers (after guidance), this step's first, then older ones
  noise: number; // weight of new standard normal noise
}
export interface SamplerPlan {
  /** The first latents are standard normal noise · this (diffusers' `init_noise_sigma`). */
  initialScale: number;
  /** As many as there are questions: PNDM asks once more than it has steps. */
  steps: readonly SamplerStep[];
}

/**
 * The sum of a step. `latents` and `outputs`: newest first, at least as many as have a weight; `noise` is read where it has one. All (4, h, w).
 */
export function takeStep(
  step: SamplerStep,
  latents: readonly Float32Array[],
  outputs: readonly Float32Array[],
  noise: Float32Array | null,
): Float32Array {
  const weighted = (weights: readonly number[], tensors: readonly Float32Array[]) =>
    weights.map((weight, i) => ({ weight, tensor: tensors[i] as Float32Array }));
  const terms = [
    ...weighted(step.latents, latents),
    ...weighted(step.outputs, outputs),
    ...(noise ? [{ weight: step.noise, tensor: noise }] : []),
  ].filter(({ weight }) => weight !== 0);
  return (latents[0] as Float32Array).map((_, i) =>
    terms.reduce((sum, { weight, tensor }) => sum + weight * (tensor[i] as number), 0),
  );
}
