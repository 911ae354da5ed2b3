// What a training step sees: encoded photos, the seed and the step's number in, the U-Net's inputs and target out.
import { addNoise, type NoiseSchedule, target } from '../diffusion/noise-schedule.ts';
import { shuffled } from '../diffusion/random.ts';
import type { MicroStep } from '../gpu/engine-types.ts';
import { CLASS_SAMPLES, type DrawnBy, type Draws, draws } from './draws.ts';
import { type Grouping, groupAt } from './epochs.ts';
import { minSnrWeight } from './loss-weight.ts';
import type { TrainingSettings } from './settings.ts';

/** The VAE's posterior of a square picture. */
export interface Posterior {
  mean: Float32Array; // (4, h, w)
  logVariance: Float32Array; // (4, h, w)
}
/** A photo as the frozen encoders see it: the VAE's posterior and its sentence's text states. */
export interface EncodedPhoto extends Posterior {
  name: string;
  encoderHiddenStates: Float32Array; // (77, d)
  views?: readonly Posterior[]; // other crops of it, and mirrored: it is seen by one of these, drawn anew each time
  wordings?: readonly Float32Array[]; // (77, d): its tags in other orders, likewise
}

export interface TrainingSet {
  photos: readonly EncodedPhoto[]; // trained on
  classPictures?: readonly EncodedPhoto[]; // of what the class noun means to the model: it shall not forget it
  keptAside: readonly EncodedPhoto[]; // never trained on; may be empty
  instancePrompt: Float32Array; // (77, d): the name sentence, which held-out loss is measured with
  emptyPrompt: Float32Array; // (77, d): what a photo is shown with whose caption is left out
  scalingFactor: number; // vae/config.json
  schedule: NoiseSchedule;
}

/** latents · scaling_factor of the posterior at `epsilon` standard deviations from its mean (diffusers' `DiagonalGaussianDistribution`). */
export function latentsOf(photo: Posterior, epsilon: Float32Array, scalingFactor: number): Float32Array {
  return photo.mean.map((mean, i) => {
    const logVariance = Math.min(20, Math.max(-30, photo.logVariance[i] as number));
    return (mean + Math.exp(logVariance / 2) * (epsilon[i] as number)) * scalingFactor;
  });
}

/** The posterior's mean, scaled: what is measured with, since it does not jump. */
export const meanLatents = (photo: Posterior, scalingFactor: number): Float32Array =>
  photo.mean.map((mean) => mean * scalingFactor);

/** What examples are drawn by. */
export type Drawing = Grouping & DrawnBy & Pick<TrainingSettings, 'seed' | 'minSnrGamma' | 'priorWeight'>;

/** Items of a round: item i pairs photo i mod N with class picture i mod M (diffusers' `DreamBoothDataset`). */
export const itemsOf = ({ photos, classPictures = [] }: Pick<TrainingSet, 'photos' | 'classPictures'>): number =>
  Math.max(photos.length, classPictures.length);

/**
 * The micro-steps of optimizer step number `attempt` (0, 1, …: skipped steps count, so that each draw is used once), and what share of a whole
 * group they are. Items come in an order that is shuffled anew each time all were seen; posterior, noise and t (uniform) are drawn for
 * (attempt, micro-step), whichever photo it is. A batch is its photos, then its class pictures, whose loss counts `priorWeight`: loss = photos'
 * + w · class pictures', not halved. diffusers' `train_dreambooth_lora.py`, with every number from the seed.
 */
export function examples(set: TrainingSet, drawing: Drawing, attempt: number): { micro: MicroStep[]; share: number } {
  const { seed, batch, priorWeight } = drawing;
  const { batches, full } = groupAt(attempt, itemsOf(set), drawing);
  const { classPictures = [] } = set;
  let seen = 0;
  const micro = batches.flatMap((places) => {
    const weight = batch / places.length;
    const first = seen;
    seen += places.length;
    const show = (photo: EncodedPhoto, sample: number, counts: number): MicroStep => {
      const count = {
        ...{ values: photo.mean.length, timesteps: set.schedule.trainTimesteps },
        ...{ views: photo.views?.length ?? 1, wordings: photo.wordings?.length ?? 1 },
      };
      return shown(set, drawing, photo, draws({ seed, step: attempt, sample }, drawing, count), counts);
    };
    return [
      ...places.map((place, i) => show(photoAt(set, seed, place), first + i, weight)),
      ...(classPictures.length > 0
        ? places.map((place, i) =>
            show(classPictureAt(set, seed, place), CLASS_SAMPLES + first + i, priorWeight * weight),
          )
        : []),
    ];
  });
  return { micro, share: batches.length / full };
}

/** A photo with what was drawn for it. `counts`: its weight, before what min-SNR makes of its noise level. */
export function shown(
  set: Pick<TrainingSet, 'emptyPrompt' | 'scalingFactor' | 'schedule'>,
  { minSnrGamma }: Pick<TrainingSettings, 'minSnrGamma'>,
  photo: EncodedPhoto,
  { epsilon, noise, timestep, view, wording, unsaid }: Draws,
  counts: number,
): MicroStep {
  const { schedule, scalingFactor, emptyPrompt } = set;
  const latents = latentsOf(photo.views?.[view] ?? photo, epsilon, scalingFactor);
  const said = photo.wordings?.[wording] ?? photo.encoderHiddenStates;
  const weight = counts * minSnrWeight(schedule, timestep, minSnrGamma);
  return { ...noisy(schedule, latents, noise, timestep, unsaid ? emptyPrompt : said), weight };
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

/** The photo shown as the `place`-th of the whole run, and the class picture beside it. */
export const photoAt = (set: TrainingSet, seed: number, place: number): EncodedPhoto =>
  set.photos[itemAt(set, seed, place) % set.photos.length] as EncodedPhoto;
function classPictureAt(set: TrainingSet, seed: number, place: number): EncodedPhoto {
  const { classPictures = [] } = set;
  return classPictures[itemAt(set, seed, place) % classPictures.length] as EncodedPhoto;
}
function itemAt(set: TrainingSet, seed: number, place: number): number {
  const items = itemsOf(set);
  const order = shuffled({ seed, purpose: 'order', step: Math.floor(place / items) }, items);
  return order[place % items] as number;
}
