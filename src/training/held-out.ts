// Held-out loss: photos, the seed and the U-Net in, one number out that does not jump: the number that tells which moment is best.
import { normals } from '../diffusion/random.ts';
import type { MicroStep, UNetEngine } from '../gpu/engine-types.ts';
import { type EncodedPhoto, meanLatents, noisy, type TrainingSet } from './examples.ts';

/** Middles of `draws` equal strata of [0, trainTimesteps): every noise level has its say, and none by luck. */
export const heldOutTimesteps = (trainTimesteps: number, draws: number): number[] =>
  Array.from({ length: draws }, (_, i) => Math.floor(((i + 0.5) * trainTimesteps) / draws));

/** What is measured: the photos kept aside, or where there are none, all that are trained on. */
export function heldOutPhotos(set: TrainingSet): { photos: readonly EncodedPhoto[]; on: 'kept-aside' | 'training' } {
  return set.keptAside.length > 0
    ? { photos: set.keptAside, on: 'kept-aside' }
    : { photos: set.photos, on: 'training' };
}

/** The noise of one photo's draws, (draws, 4, h, w): the same for the whole run, from the seed. */
export function heldOutNoise(seed: number, photoIndex: number, valuesPerDraw: number, draws: number): Float32Array[] {
  return Array.from({ length: draws }, (_, step) =>
    normals({ seed, purpose: 'held-out', step, sample: photoIndex }, valuesPerDraw),
  );
}

/** The draws one after another (a photo's at a time, so that memory stays small): posterior mean, name sentence, fixed noise and t. */
export function* heldOutDraws(set: TrainingSet, seed: number, draws: number): Generator<MicroStep> {
  const timesteps = heldOutTimesteps(set.schedule.trainTimesteps, draws);
  for (const [index, photo] of heldOutPhotos(set).photos.entries()) {
    const latents = meanLatents(photo, set.scalingFactor);
    for (const [i, noise] of heldOutNoise(seed, index, latents.length, draws).entries())
      yield noisy(set.schedule, latents, noise, timesteps[i] as number, set.instancePrompt);
  }
}

/** Draws that are asked for before the first is answered: the engine reads together what it is asked together. */
const ASKED = 64;

/** Plain mean squared error over all draws, adapter at full strength. `onDraw` hears (done, total). */
export async function heldOutLoss(
  unet: Pick<UNetEngine, 'evaluate'>,
  set: TrainingSet,
  seed: number,
  draws: number,
  onDraw: (done: number, total: number) => void = () => {},
): Promise<number> {
  const total = heldOutPhotos(set).photos.length * draws;
  const asked: Promise<number>[] = [];
  let sum = 0;
  let done = 0;
  const oldest = async (): Promise<void> => {
    sum += await (asked.shift() as Promise<number>);
    onDraw(++done, total);
  };
  for (const draw of heldOutDraws(set, seed, draws)) {
    if (asked.length === ASKED) await oldest();
    const loss = unet.evaluate(draw, 1);
    loss.catch(() => {}); // awaited below; should one before it fail first, this one is nobody's
    asked.push(loss);
  }
  while (asked.length > 0) await oldest();
  return sum / total;
}
