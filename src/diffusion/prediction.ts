// ε or v? A U-Net whose files do not say in; which of the two its answers to a little and to much noise are, out.
import type { UNetEngine } from '../gpu/engine-types.ts';
import { addNoise, type NoiseSchedule, type PredictionType, signalAndNoise } from './noise-schedule.ts';
import { normals } from './random.ts';

/**
 * How much of the noise is in the answer tells what it is: of ε all of it, of v = √ᾱ · ε − √(1 − ᾱ) · x_0 the share √ᾱ. One forward on an empty
 * picture at the noisiest t, where that is next to nothing, tells ε from all else; where it is not ε, another at ᾱ ≈ ½ tells v, with 0.7 of the
 * noise, from a U-Net that has learned nothing yet, with none.
 * @param prompt (tokens, d), the empty prompt's. @param values 4 · h · w. @param otherwise what a U-Net is taken for that answers neither.
 */
export async function guessPrediction(
  unet: Pick<UNetEngine, 'predict'>,
  schedule: NoiseSchedule,
  prompt: Float32Array,
  values: number,
  otherwise: PredictionType,
): Promise<PredictionType> {
  const noise = normals({ seed: 0, purpose: 'picture' }, values);
  const power = noise.reduce((sum, value) => sum + value ** 2, 0);
  const shareAt = async (t: number): Promise<number> => {
    const sample = addNoise(schedule, new Float32Array(values), noise, t);
    const answer = await unet.predict({ sample, timestep: t, encoderHiddenStates: prompt }, 0);
    return answer.reduce((sum, value, i) => sum + value * (noise[i] as number), 0) / power;
  };
  const last = schedule.trainTimesteps - 1;
  if ((await shareAt(last)) > (1 + signalAndNoise(schedule, last).signal) / 2) return 'epsilon';
  const half = schedule.alphasCumprod.findIndex((left) => left <= 0.5);
  return (await shareAt(half)) > signalAndNoise(schedule, half).signal / 2 ? 'v_prediction' : otherwise;
}
