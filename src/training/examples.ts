// What a training step sees: encoded photos, the seed and the step's number in, the U-Net's inputs and target out.
import { addNoise, type NoiseSchedule, target } from '../diffusion/noise-schedule.ts';
import { normals, shuffled, uniformInts } from '../diffusion/random.ts';
import type { MicroStep } from '../gpu/engine-types.ts';

/** A photo as the frozen encoders see it: the VAE's posterior and its sentence's text states. */
export interface EncodedPhoto {
  name: string;
  mean: Float32Array; // (4, h, w)
  logVariance: Float32Array; // (4, h, w)
  encoderHiddenStates: Float32Array; // (77, d)
}

export interface TrainingSet {
  photos: readonly EncodedPhoto[]; // trained on
  keptAside: readonly EncodedPhoto[]; // never trained on; may be empty
  instancePrompt: Float32Array; // (77, d): the name sentence, which held-out loss is measured with
  scalingFactor: number; // vae/config.json
  schedule: NoiseSchedule;
}

/** latents · scaling_factor of the posterior at `epsilon` standard deviations from its mean (diffusers' `DiagonalGaussianDistribution`). */
export function latentsOf(photo: EncodedPhoto, epsilon: Float32Array, scalingFactor: number): Float32Array {
  return photo.mean.map((mean, i) => {
    const logVariance = Math.min(20, Math.max(-30, photo.logVariance[i] as number));
    return (mean + Math.exp(logVariance / 2) * (epsilon[i] as number)) * scalingFactor;
  });
}

/** The posterior's mean, scaled: what is measured with, since it does not jump. */
export const meanLatents = (photo: EncodedPhoto, scalingFactor: number): Float32Array =>
  photo.mean.map((mean) => mean * scalingFactor);

/**
 * The `count` micro-steps of optimizer step number `attempt` (0, 1, …: skipped steps count, so that each draw is used once). Photos come in
 * an order that is shuffled anew each time all were seen; posterior, noise and t (uniform) are drawn for (attempt, micro-step), whichever
 * photo it is. diffusers' `train_dreambooth_lora.py`, with every number from the seed.
 */
export function examples(set: TrainingSet, seed: number, attempt: number, count: number): MicroStep[] {
  return Array.from({ length: count }, (_, sample) => {
    const photo = photoAt(set, seed, attempt * count + sample);
    const values = photo.mean.length;
    const draw = { seed, step: attempt, sample };
    const latents = latentsOf(photo, normals({ ...draw, purpose: 'posterior' }, values), set.scalingFactor);
    const noise = normals({ ...draw, purpose: 'noise' }, values);
    const [timestep] = uniformInts({ ...draw, purpose: 'timestep' }, 1, set.schedule.trainTimesteps) as [number];
    return noisy(set.schedule, latents, noise, timestep, photo.encoderHiddenStates);
  });
}

/** One forward with its target: x_t, t and text in, ε or v asked for. */
export const noisy = (
  schedule: NoiseSchedule,
  latents: Float32Array,
  noise: Float32Array,
  timestep: number,
  encoderHiddenStates: Float32Array,
): MicroStep => ({
  sample: addNoise(schedule, latents, noise, timestep),
  timestep,
  encoderHiddenStates,
  target: target(schedule, latents, noise, timestep),
});

/** The photo shown as the `index`-th of the whole run. */
export function photoAt(set: TrainingSet, seed: number, index: number): EncodedPhoto {
  const round = Math.floor(index / set.photos.length);
  const order = shuffled({ seed, purpose: 'order', step: round }, set.photos.length);
  return set.photos[order[index % set.photos.length] as number] as EncodedPhoto;
}
