// What is drawn for one sample of a step: seed, step and sample in; posterior, noise, t and the options' numbers out. Nothing else is random.
import { normals, uniformInts } from '../diffusion/random.ts';
import type { TrainingSettings } from './settings.ts';

/** Class pictures' samples are numbered from here: with them or without, a photo's numbers are the same. */
export const CLASS_SAMPLES = 2 ** 16;
const CHANNELS = 4;

export interface Place {
  seed: number;
  step: number;
  sample: number;
}
export interface Draws {
  epsilon: Float32Array; // (4, h, w): standard deviations from the posterior's mean
  noise: Float32Array; // (4, h, w), offset included
  timestep: number;
  view: number; // which of the ways the photo is seen
  wording: number; // which of its captions, tags shuffled
  unsaid: boolean; // its caption is left out
}
export type DrawnBy = Pick<TrainingSettings, 'noiseOffset' | 'captionDropout'>;

/** An option that is off draws nothing, and no option's numbers disturb another's. */
export function draws(
  place: Place,
  by: DrawnBy,
  count: { values: number; timesteps: number; views: number; wordings: number },
): Draws {
  const noise = normals({ ...place, purpose: 'noise' }, count.values);
  const offset = by.noiseOffset > 0 ? normals({ ...place, purpose: 'noise-offset' }, CHANNELS) : null;
  const chosen = (purpose: 'view' | 'wording', of: number): number =>
    of > 1 ? (uniformInts({ ...place, purpose }, 1, of)[0] as number) : 0;
  return {
    epsilon: normals({ ...place, purpose: 'posterior' }, count.values),
    noise: offset ? withOffset(noise, offset, by.noiseOffset) : noise,
    timestep: uniformInts({ ...place, purpose: 'timestep' }, 1, count.timesteps)[0] as number,
    view: chosen('view', count.views),
    wording: chosen('wording', count.wordings),
    unsaid:
      by.captionDropout > 0 &&
      (uniformInts({ ...place, purpose: 'caption-dropout' }, 1, 2 ** 20)[0] as number) < by.captionDropout * 2 ** 20,
  };
}

/** noise + share · offset, one number a channel (diffusers' `--noise_offset`, crosslabs.org/blog/diffusion-with-offset-noise): brightness moves too. */
export function withOffset(noise: Float32Array, offset: Float32Array, share: number): Float32Array {
  const pixels = noise.length / offset.length;
  return noise.map((value, i) => value + share * (offset[Math.floor(i / pixels)] as number));
}
