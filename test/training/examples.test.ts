// What training and held-out measurement see: the order of photos, the posterior, noise levels, the evidence file.
import { describe, expect, it } from 'vitest';
import { normals } from '../../src/diffusion/random.ts';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { evidence } from '../../src/training/evidence.ts';
import { examples, latentsOf, photoAt, type TrainingSet } from '../../src/training/examples.ts';
import { heldOutDraws, heldOutLoss, heldOutTimesteps } from '../../src/training/held-out.ts';
import { photo, set, settings } from './toy-run.ts';

const drawn = (of: TrainingSet, seed: number, attempt: number, count: number) =>
  examples(of, { ...settings, seed, batch: count }, attempt).micro;

describe('examples', () => {
  it('show every photo once before any twice, in an order that changes', () => {
    const rounds = Array.from({ length: 20 }, (_, round) =>
      [0, 1, 2].map((i) => photoAt(set, 7, round * 3 + i).name).join(''),
    );
    for (const round of rounds) expect([...round].sort().join('')).toBe('abc');
    expect(new Set(rounds).size).toBeGreaterThan(3);
  });

  it('depend on seed and attempt, and on nothing else', () => {
    expect(drawn(set, 7, 4, 2)).toEqual(drawn(set, 7, 4, 2));
    expect(drawn(set, 7, 5, 2)).not.toEqual(drawn(set, 7, 4, 2));
    expect(drawn(set, 8, 4, 2)).not.toEqual(drawn(set, 7, 4, 2));
    const [first, second] = drawn(set, 7, 4, 2);
    expect(first!.target).not.toEqual(second!.target);
  });

  it('draw t evenly from all of [0, 1000)', () => {
    const ts = Array.from({ length: 4000 }, (_, attempt) => drawn(set, 7, attempt, 1)[0]!.timestep);
    expect(Math.min(...ts)).toBeLessThan(10);
    expect(Math.max(...ts)).toBeGreaterThan(989);
    expect(Math.max(...ts)).toBeLessThan(1000);
    const mean = ts.reduce((a, b) => a + b) / ts.length;
    expect(Math.abs(mean - 499.5)).toBeLessThan((5 * 288.7) / Math.sqrt(4000)); // five standard errors
  });

  it('take the posterior as (mean + exp(logvar / 2) · ε) · scaling_factor, log-variance kept in [−30, 20]', () => {
    const p = { ...photo('x', 1), mean: Float32Array.of(1, 2), logVariance: Float32Array.of(2, -90) };
    const z = latentsOf(p, Float32Array.of(0.5, 3), 0.25);
    expect(z[0]).toBeCloseTo((1 + Math.E * 0.5) * 0.25, 6);
    expect(z[1]).toBeCloseTo((2 + Math.exp(-15) * 3) * 0.25, 7);
  });

  it('sample x_t from a posterior that is drawn anew each time', () => {
    const one = { ...set, photos: [photo('a', 1)] };
    const { schedule } = set;
    const draws = [0, 1].map((attempt) => {
      const m = drawn(one, 7, attempt, 1)[0]!;
      const alpha = schedule.alphasCumprod[m.timestep]!;
      return m.sample.map((x, i) => (x - Math.sqrt(1 - alpha) * m.target[i]!) / Math.sqrt(alpha));
    });
    expect(draws[0]).not.toEqual(draws[1]);
  });
});

describe('held-out loss', () => {
  it('asks at the middles of 32 equal strata', () => {
    const ts = heldOutTimesteps(1000, 32);
    expect(ts.slice(0, 3)).toEqual([15, 46, 78]);
    expect(ts.at(-1)).toBe(984);
    expect(ts.length).toBe(32);
  });

  it('draws 32 a kept-aside photo with the name sentence and the mean latents; the training photos where none is kept', () => {
    const draws = [...heldOutDraws(set, 7, 32)];
    expect(draws.length).toBe(32);
    expect(draws.every((d) => d.encoderHiddenStates === set.instancePrompt)).toBe(true);
    const { timestep, target, sample } = draws[9]!;
    const alpha = set.schedule.alphasCumprod[timestep]!;
    const mean = sample.map((x, i) => (x - Math.sqrt(1 - alpha) * target[i]!) / Math.sqrt(alpha) / 0.5);
    for (const [i, m] of set.keptAside[0]!.mean.entries()) expect(mean[i]).toBeCloseTo(m, 5);
    expect([...heldOutDraws({ ...set, keptAside: [] }, 7, 32)].length).toBe(96);
    expect([...heldOutDraws(set, 7, 32)]).toEqual(draws);
    expect([...heldOutDraws(set, 8, 32)][0]!.target).not.toEqual(draws[0]!.target);
  });

  it('is the mean over all draws', async () => {
    let n = 0;
    const loss = await heldOutLoss(
      { evaluate: async (_, strength) => strength * n++ },
      { ...set, keptAside: [] },
      7,
      32,
    );
    expect(loss).toBe(95 / 2);
  });
});

describe('evidence', () => {
  it('holds exactly what was measured on', async () => {
    const instancePrompt = normals({ seed: 1, purpose: 'noise' }, 77 * 2);
    const pixels = [normals({ seed: 2, purpose: 'noise' }, 3 * 16 * 16)];
    const bytes = evidence({
      set: { ...set, instancePrompt },
      seed: 7,
      draws: 32,
      prompt: 'a photo of x',
      pixels,
      height: 16,
      width: 16,
    });
    const file = await readSafetensors(bytes, 'held-out.safetensors');
    expect(file.metadata).toMatchObject({ prompt: 'a photo of x', held_out_on: 'kept-aside', seed: '7' });
    expect(Object.fromEntries(file.keys().map((k) => [k, file.shape(k)]))).toEqual({
      pixels: [1, 3, 16, 16],
      latents: [1, 4, 2, 2],
      noise: [1, 32, 4, 2, 2],
      timesteps: [32],
      encoder_hidden_states: [1, 77, 2],
    });
    expect(file.dtype('timesteps')).toBe('I64');
    const noise = await file.float32('noise');
    const latents = await file.float32('latents');
    for (const [i, draw] of [...heldOutDraws(set, 7, 32)].entries()) {
      expect(draw.target).toEqual(noise.slice(i * 16, (i + 1) * 16));
      const alpha = set.schedule.alphasCumprod[draw.timestep]!;
      expect(draw.sample[3]).toBeCloseTo(Math.sqrt(alpha) * latents[3]! + Math.sqrt(1 - alpha) * noise[i * 16 + 3]!, 6);
    }
  });
});
