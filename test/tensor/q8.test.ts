// q8 on the CPU: the rule told in tensor/q8.ts, weight by weight in f64; errors on heavy tails; what is not a number.
import { describe, expect, test } from 'vitest';
import { fromF16, fromHalf, toF16, toHalf } from '../../src/tensor/half.ts';
import { dequantise, quantise } from '../../src/tensor/q8.ts';
import { byteLength, fitsQ8, numel, Q8 } from '../../src/tensor/tensor.ts';
import { normal, relL2 } from '../check.ts';

function stored(halves: Uint16Array): Uint32Array {
  const words = new Uint32Array((halves.length / Q8.group) * Q8.groupWords).fill(0xffffffff);
  expect(quantise(halves, words)).toBe(-1);
  return words;
}
/** Nearest whole number, a half to the even one. */
const nearest = (x: number): number => {
  const low = Math.floor(x);
  return x - low < 0.5 || (x - low === 0.5 && low % 2 === 0) ? low : low + 1;
};
/** The rule, written plainly: one block of 32. */
function twin(block: Float32Array): Float32Array {
  const amax = Math.max(...block.map(Math.abs));
  const scale = Math.max(2 ** -14, fromHalf(Math.min(0x7bff, toHalf((amax * 128) / 127))));
  return block.map((w) => (Math.max(-127, Math.min(127, nearest(w / (scale / 128)))) * scale) / 128);
}
const plus0 = (values: Float32Array): number[] => Array.from(values, (v) => v + 0); // −0 is 0

describe('quantise and dequantise', () => {
  /** Any finite half at all, in blocks whose magnitudes are like (32 weights within 16 octaves) and unlike. */
  const everyHalf = Uint16Array.from({ length: 65536 }, (_, h) => h).filter((h) => (h & 0x7c00) !== 0x7c00);
  const shuffled = everyHalf.map((_, i) => everyHalf[(i * 40503) % everyHalf.length] as number);
  test.each([
    ['normal weights', toF16(normal(4096, 1, 0.05))],
    ['weights near the smallest half', toF16(normal(4096, 2, 2e-6))],
    ['every finite half in order', everyHalf.slice(0, everyHalf.length - (everyHalf.length % 64))],
    ['every finite half, mixed', shuffled.slice(0, shuffled.length - (shuffled.length % 64))],
    ['ties', Uint16Array.from({ length: 64 }, (_, i) => toHalf(i % 32 === 0 ? 127 : (i % 32) - 16 + 0.5))],
    ['zeros', new Uint16Array(64)],
  ])('%s equal the rule, bitwise', (_, halves) => {
    const got = dequantise(stored(halves));
    const values = fromF16(halves);
    for (let b = 0; b < values.length; b += 32)
      expect(plus0(got.subarray(b, b + 32)), `block ${b / 32}`).toEqual(plus0(twin(values.subarray(b, b + 32))));
  });

  test('blocks of zeros are zeros', () =>
    expect(dequantise(stored(new Uint16Array(64)))).toEqual(new Float32Array(64)));

  test.each([0x7c00, 0xfc00, 0x7e01])('a weight of bits %i is told by its place', (bad) => {
    const halves = toF16(normal(256, 3));
    halves[131] = bad;
    expect(quantise(halves, new Uint32Array(68))).toBe(131);
  });

  test('error: 0.53 % on normal weights; on heavy tails half that of one scale a channel', () => {
    const [width, count] = [1280, 80 * 1280];
    const chi = [5, 6, 7, 8].map((seed) => normal(count, seed));
    const heavy = normal(count, 4).map(
      (z, i) => (0.02 * z) / Math.sqrt(chi.reduce((sum, c) => sum + c[i]! ** 2, 0) / 4),
    );
    const error = (w: Float64Array): number => {
      const halves = toF16(w);
      return relL2(dequantise(stored(halves)), fromF16(halves));
    };
    const rows = Array.from({ length: count / width }, (_, o) => heavy.subarray(o * width, (o + 1) * width));
    const steps = rows.map((row) => Math.max(...row.map(Math.abs)) / 127);
    const coarse = heavy.map((w, i) => nearest(w / steps[Math.floor(i / width)]!) * steps[Math.floor(i / width)]!);
    const perChannel = relL2(coarse, heavy);
    // a block's largest of 32 is 2.35 σ (root mean square), its step that / 127, and rounding to steps leaves step / √12
    expect(error(normal(count, 9, 0.02))).toBeCloseTo(2.35 / 127 / Math.sqrt(12), 4);
    expect(error(heavy)).toBeLessThan(perChannel / 2);
  });
});

test('what fits: matrices and convolutions of whole blocks', () => {
  expect(
    [
      [320, 320],
      [320, 3, 3, 320],
      [64, 96],
    ].map(fitsQ8),
  ).toEqual([true, true, true]);
  expect([[320], [64, 40], [320, 3, 3, 4], [1, 96]].map(fitsQ8)).toEqual([false, false, false, false]);
  const shape = [320, 3, 3, 640];
  expect(byteLength({ shape, dtype: 'q8' })).toBe((numel(shape) / 64) * 68);
});
