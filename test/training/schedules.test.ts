// Rates and epochs = diffusers' get_scheduler stepped by accelerate (test/golden/schedules.json): every step's share, what it gathers, how much that counts.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stepsPerEpoch } from '../../src/training/epochs.ts';
import { examples } from '../../src/training/examples.ts';
import { learningRates } from '../../src/training/learning-rate.ts';
import type { Schedule } from '../../src/training/settings.ts';
import { photo, set, settings } from './toy-run.ts';

interface Golden {
  schedule: Schedule;
  learningRate: number;
  warmupSteps: number;
  cycles: number;
  power: number;
  items: number;
  batch: number;
  accumulate: number;
  epochs: number;
  steps: number;
  shares: number[];
  gathered: number[][];
  pulls: number[];
}
const goldens = JSON.parse(readFileSync('test/golden/schedules.json', 'utf8')) as Golden[];
const title = (g: Golden) =>
  `${g.schedule}, warm-up ${g.warmupSteps}, ${g.cycles} cycles, power ${g.power}, ${g.items} items by ${g.batch} × ${g.accumulate}`;
const setOf = (items: number) => ({ ...set, photos: Array.from({ length: items }, (_, i) => photo(`p${i}`, i)) });

it('goldens are there: six schedules, with warm-ups and without', () => {
  expect(new Set(goldens.map(({ schedule }) => schedule)).size).toBe(6);
  expect(goldens.length).toBe(144);
});

describe('each step’s share of the rate', () => {
  it.each(goldens.map((g) => [title(g), g] as const))('%s', (_, g) => {
    const rates = learningRates(g);
    expect(rates.length).toBe(g.steps);
    for (const [i, share] of g.shares.entries())
      expect(Math.abs(rates[i]! / g.learningRate - share)).toBeLessThan(1e-6);
  });
});

describe('epochs', () => {
  const lengths = goldens.filter(({ schedule, warmupSteps, cycles, power }) => {
    return schedule === 'constant' && warmupSteps === 0 && cycles === 1 && power === 1;
  });
  it.each(lengths.map((g) => [title(g), g] as const))('%s', (_, g) => {
    if (g.steps === g.epochs * stepsPerEpoch(g.items, g)) expect(g.shares.length).toBe(g.steps);
    else expect(g.steps).toBeLessThan(g.epochs * stepsPerEpoch(g.items, g)); // steps win
    const drawing = { ...settings, seed: 3, batch: g.batch, accumulate: g.accumulate, epochs: g.epochs };
    for (const [step, sizes] of g.gathered.entries()) {
      const { micro, share } = examples(setOf(g.items), drawing, step);
      const weights = sizes.flatMap((size) => Array.from({ length: size }, () => g.batch / size));
      expect(micro.map(({ weight }) => weight)).toEqual(weights);
      // Every photo pulls by 1 / (its batch · accumulation): together as torch's gradient of a loss that pulls by 1.
      const pull = weights.reduce((a, b) => a + b, 0) / (g.batch * g.accumulate);
      expect(pull).toBeCloseTo(g.pulls[step]!, 12);
      expect(share).toBeCloseTo(g.pulls[step]!, 12);
    }
  });

  it('show every photo once each, in an order that changes', () => {
    const drawing = { ...settings, seed: 3, batch: 2, accumulate: 3, epochs: 5 };
    const rounds = Array.from({ length: 5 }, (_, epoch) =>
      [0, 1].flatMap((step) =>
        examples(setOf(7), drawing, 2 * epoch + step).micro.map(({ encoderHiddenStates: [name] }) => name!),
      ),
    );
    for (const round of rounds) expect([...round].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(rounds.map(String)).size).toBe(5);
  });

  it('without them a run is as it always was: round after round, every group whole', () => {
    const drawing = { ...settings, seed: 3, batch: 2, accumulate: 3, epochs: 0 };
    const seen = [0, 1, 2, 3, 4, 5, 6].flatMap((step) => {
      const { micro, share } = examples(setOf(7), drawing, step);
      expect([micro.length, share, new Set(micro.map(({ weight }) => weight)).size]).toEqual([6, 1, 1]);
      return micro.map(({ encoderHiddenStates: [name] }) => name!);
    });
    for (let round = 0; round < 6; round++)
      expect(seen.slice(7 * round, 7 * round + 7).sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});
