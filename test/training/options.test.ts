// What a run can do without: min-SNR, noise offset, class pictures, crops, mirror, captions left out or shuffled. Off, a run is what it was, bitwise.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cropSquare } from '../../src/dataset/crop.ts';
import { withOffset } from '../../src/training/draws.ts';
import { examples, type TrainingSet } from '../../src/training/examples.ts';
import { minSnrWeight } from '../../src/training/loss-weight.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { mirrored, viewsOf, wordingsOf } from '../../src/training/views.ts';
import { openSafetensors } from '../../tools/golden-folder.ts';
import { photo, set, settings } from './toy-run.ts';

const drawn = (change: Partial<TrainingSettings>, attempt: number, of: TrainingSet = set) =>
  examples(of, { ...settings, ...change }, attempt).micro;

it('with everything off the draws are what they were before there were options', () => {
  const hash = createHash('sha256');
  for (let attempt = 0; attempt < 20; attempt++)
    for (const { sample, target, encoderHiddenStates, timestep, weight } of drawn({ seed: 7, batch: 2 }, attempt)) {
      expect(weight).toBe(1);
      for (const values of [sample, target, encoderHiddenStates, Float32Array.of(timestep)])
        hash.update(new Uint8Array(values.buffer));
    }
  expect(hash.digest('hex')).toBe('0035a3d4fb87aae5ce802f9de21496acdea1545d4b87faecd4cb30e76e86b17f'); // of commit 6bda802
});

describe('min-SNR', () => {
  it.each([5, 1])('γ %i is diffusers’ compute_snr’s weight at every t, for ε and for v', async (gamma) => {
    const golden = await openSafetensors('test/golden/recipes/min-snr-weights.safetensors');
    for (const predictionType of ['epsilon', 'v_prediction'] as const) {
      const expected = await golden.float32(`${predictionType}.${gamma}`);
      const schedule = { ...set.schedule, predictionType };
      for (const [t, weight] of expected.entries())
        expect(Math.abs(minSnrWeight(schedule, t, gamma) / weight - 1)).toBeLessThan(1e-4);
    }
  });
  it('weighs each sample by its own noise level, and changes nothing else', () => {
    const plain = drawn({ batch: 8 }, 3);
    for (const [i, { weight, ...rest }] of drawn({ batch: 8, minSnrGamma: 5 }, 3).entries()) {
      expect(weight).toBe(minSnrWeight(set.schedule, rest.timestep, 5));
      expect({ ...rest, weight: 1 }).toEqual(plain[i]);
    }
  });
});

describe('noise offset', () => {
  it('adds one number a channel, in the noise as in what is asked for', () => {
    const noise = Float32Array.from({ length: 8 }, (_, i) => i);
    expect([...withOffset(noise, Float32Array.of(1, 2, 3, 4), 0.5)]).toEqual([0.5, 1.5, 3, 4, 5.5, 6.5, 8, 9]);
    const [plain] = drawn({}, 3);
    const [offset] = drawn({ noiseOffset: 0.1 }, 3);
    const by = offset!.target.map((x, i) => x - plain!.target[i]!);
    for (let channel = 0; channel < 4; channel++)
      for (let i = 1; i < 4; i++) expect(by[4 * channel + i]).toBeCloseTo(by[4 * channel]!, 6);
    expect(new Set([0, 4, 8, 12].map((i) => by[i]!.toFixed(5))).size).toBe(4);
    expect(drawn({ noiseOffset: 0.1 }, 3)).toEqual([offset]);
  });
});

describe('class pictures', () => {
  const classes = [photo('x', 50), photo('y', 51)];
  const names = (of: TrainingSet, change: Partial<TrainingSettings>, attempt: number) =>
    drawn(change, attempt, of).map(({ encoderHiddenStates: [name] }) => name!);
  it('come after the photos of their batch: item i pairs photo i mod N with class picture i mod M', () => {
    const many = { ...set, classPictures: Array.from({ length: 7 }, (_, i) => photo(`c${i}`, 50 + i)) };
    const pairs = Array.from({ length: 7 }, (_, attempt) => names(many, { classPictures: 7 }, attempt));
    expect(pairs.map(([, picture]) => picture).sort()).toEqual([50, 51, 52, 53, 54, 55, 56]); // a round is as long as the longer list
    for (const [instance, picture] of pairs) expect(instance).toBe(((picture! - 50) % 3) + 1);
    const batch = names({ ...set, classPictures: classes }, { classPictures: 2, batch: 3 }, 0);
    expect(batch.slice(0, 3).every((name) => name < 10)).toBe(true);
    expect(batch.slice(3).every((name) => name >= 50)).toBe(true);
  });
  it('leave the photos’ draws and weights alone, and count their own weight after min-SNR’s', () => {
    const change = { batch: 2, accumulate: 2, minSnrGamma: 5, priorWeight: 0.5, classPictures: 2 };
    const micro = drawn(change, 4, { ...set, classPictures: classes });
    expect(micro.length).toBe(8);
    const [a, b, c, d, e, f, g, h] = micro;
    expect([a, b, e, f]).toEqual(drawn(change, 4));
    for (const one of [c, d, g, h]) expect(one!.weight).toBe(0.5 * minSnrWeight(set.schedule, one!.timestep, 5));
    expect(new Set(micro.map(({ target }) => target[0])).size).toBe(8);
  });
});

describe('captions', () => {
  it('are left out as often as was asked, by the seed', () => {
    const unsaid = (change: Partial<TrainingSettings>) =>
      Array.from({ length: 1000 }, (_, attempt) => drawn(change, attempt)[0]!.encoderHiddenStates[0] === 101);
    const first = unsaid({ captionDropout: 0.2 });
    expect(first.filter(Boolean).length).toBeGreaterThan(200 - 64); // five standard deviations of a binomial
    expect(first.filter(Boolean).length).toBeLessThan(200 + 64);
    expect(unsaid({ captionDropout: 0.2 })).toEqual(first);
    expect(unsaid({ captionDropout: 0.2, seed: 8 })).not.toEqual(first);
    expect(unsaid({})).not.toContain(true);
  });
  it('of tags come in other orders, the first where they were', () => {
    const tags = { seed: 7, tagOrders: 30, keptTags: 2 };
    const orders = wordingsOf(tags, 0, 'aawxbc toy, plush, red, soft , on grass');
    expect(orders.length).toBe(30);
    for (const order of orders) {
      expect(order.startsWith('aawxbc toy, plush, ')).toBe(true);
      expect(order.split(', ').sort()).toEqual(['aawxbc toy', 'on grass', 'plush', 'red', 'soft']);
    }
    expect(new Set(orders).size).toBe(6); // all that three tags have
    expect(wordingsOf(tags, 0, 'a photo of aawxbc toy')).toEqual([]);
    expect(wordingsOf({ ...tags, tagOrders: 0 }, 0, 'a, b, c, d')).toEqual([]);
    expect(wordingsOf(tags, 1, 'aawxbc toy, plush, red, soft, on grass')).not.toEqual(orders);
  });
});

describe('views', () => {
  const crop = { x: 0.5, y: 0.5, size: 1 };
  it('are none, crops, or each of them twice', () => {
    expect(viewsOf({ seed: 7, crops: 0, mirror: 'off' }, 0, crop)).toEqual([]);
    expect(viewsOf({ seed: 7, crops: 0, mirror: 'on' }, 0, crop).map((v) => v.mirrored)).toEqual([false, true]);
    expect(viewsOf({ seed: 7, crops: 8, mirror: 'on' }, 0, crop).length).toBe(16);
    expect(viewsOf({ seed: 7, crops: 8, mirror: 'off' }, 0, crop)).toEqual(
      viewsOf({ seed: 7, crops: 8, mirror: 'off' }, 0, crop),
    );
  });
  it('lie anywhere in the photo, as often', () => {
    const at = viewsOf({ seed: 7, crops: 2000, mirror: 'off' }, 0, crop).map((v) => cropSquare(v.crop, 14, 10));
    expect(at.every(({ y, side }) => y === 0 && side === 10)).toBe(true);
    for (let x = 0; x <= 4; x++) expect(Math.abs(at.filter((s) => s.x === x).length - 400)).toBeLessThan(90); // five standard deviations
  });
  it('mirrored have left and right exchanged', () => {
    const pixels = Float32Array.from({ length: 12 }, (_, i) => i);
    expect([...mirrored(pixels, 2)]).toEqual([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]);
  });
  it('are drawn anew at each step', () => {
    const view = (n: number) => ({ mean: new Float32Array(16).fill(n), logVariance: new Float32Array(16).fill(-30) });
    const seen = { ...set, photos: [{ ...photo('a', 1), views: [1, 2, 3, 4].map(view) }] };
    const shown = Array.from({ length: 200 }, (_, attempt) => {
      const { sample, target, timestep } = drawn({}, attempt, seen)[0]!;
      const alpha = set.schedule.alphasCumprod[timestep]!;
      return Math.round((sample[0]! - Math.sqrt(1 - alpha) * target[0]!) / Math.sqrt(alpha) / set.scalingFactor);
    });
    for (const n of [1, 2, 3, 4]) expect(shown.filter((one) => one === n).length).toBeGreaterThan(20);
  });
});
