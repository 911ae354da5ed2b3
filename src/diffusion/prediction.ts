// ε or v? A U-Net whose files do not say in; what its answer to pure noise is closer to out.
import type { UNetEngine } from '../gpu/engine-types.ts';
import { addNoise, type NoiseSchedule, type PredictionType, target } from './noise-schedule.ts';
import { normals } from './random.ts';

/**
 * One forward on an empty picture at the noisiest t, where x_t is almost nothing but noise. ε is then x_t itself; v = √ᾱ · ε − √(1 − ᾱ) · x_0 is
 * the little of it that the picture leaves, far from it. Whichever the answer is nearer to is what the U-Net was trained to give.
 * @param prompt (tokens, d), the empty prompt's. @param values 4 · h · w.
 */
export async function guessPrediction(
  unet: Pick<UNetEngine, 'predict'>,
  schedule: NoiseSchedule,
  prompt: Float32Array,
  values: number,
): Promise<PredictionType> {
  const t = schedule.trainTimesteps - 1;
  const noise = normals({ seed: 0, purpose: 'picture' }, values);
  const empty = new Float32Array(values);
  const sample = addNoise(schedule, empty, noise, t);
  const answer = await unet.predict({ sample, timestep: t, encoderHiddenStates: prompt }, 0);
  const distance = (predictionType: PredictionType): number =>
    target({ ...schedule, predictionType }, empty, noise, t).reduce(
      (sum, value, i) => sum + (value - (answer[i] as number)) ** 2,
      0,
    );
  return distance('v_prediction') < distance('epsilon') ? 'v_prediction' : 'epsilon';
}
