// ε or v, guessed from one answer of a U-Net that is a formula: one that knows the picture it was shown, with an error, in either manner.
import { describe, expect, it } from 'vitest';
import { noiseSchedule, type PredictionType, signalAndNoise } from '../../src/diffusion/noise-schedule.ts';
import { guessPrediction } from '../../src/diffusion/prediction.ts';
import { normals } from '../../src/diffusion/random.ts';

const schedule = noiseSchedule({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' });
const VALUES = 4 * 16;

/** Believes in a picture of its own (`x0`, any) and answers consistently with it; `error`: standard deviation of what it gets wrong. */
const believer = (predictionType: PredictionType, error: number) => ({
  predict: async ({ sample, timestep }: { sample: Float32Array; timestep: number }) => {
    const { signal, noise } = signalAndNoise(schedule, timestep);
    const picture = normals({ seed: 9, purpose: 'held-out' }, VALUES);
    const wrong = normals({ seed: 5, purpose: 'order' }, VALUES);
    return sample.map((x, i) => {
      const x0 = 0.8 * (picture[i] as number);
      const epsilon = (x - signal * x0) / noise;
      const right = predictionType === 'epsilon' ? epsilon : signal * epsilon - noise * x0;
      return right + error * (wrong[i] as number);
    });
  },
});

describe('guessing what a U-Net predicts', () => {
  it.each([
    ['epsilon', 0],
    ['epsilon', 0.5],
    ['v_prediction', 0],
    ['v_prediction', 0.5],
  ] as const)('%s, wrong by %d', async (type, error) => {
    const shown = { ...schedule, predictionType: 'epsilon' as const };
    expect(await guessPrediction(believer(type, error), shown, new Float32Array(77), VALUES, 'epsilon')).toBe(type);
  });

  it('one that has learned nothing is what its family is', async () => {
    const noise = (): Float32Array => normals({ seed: 5, purpose: 'order' }, VALUES);
    for (const size of [0, 0.1, 1])
      for (const usual of ['epsilon', 'v_prediction'] as const) {
        const unet = { predict: async () => noise().map((value) => size * value) };
        expect(await guessPrediction(unet, schedule, new Float32Array(77), VALUES, usual)).toBe(usual);
      }
  });
});
