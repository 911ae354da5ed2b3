// q8 as the GPU makes it: bitwise the rule of shaders/quantise.wgsl, weight by weight in f64 (reference/q8.ts); errors on heavy tails.
import { beforeAll, describe, expect, test } from 'vitest';
import { uploadWeights } from '../../src/gpu/weights.ts';
import { fromF16, toF16, toHalf } from '../../src/tensor/half.ts';
import { normal, relL2 } from '../check.ts';
import { dequantise, quantise } from '../reference/q8.ts';
import { testDevice } from './device.ts';
import { onGpu } from './on-gpu.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await testDevice();
});

async function stored(halves: Uint16Array<ArrayBuffer>): Promise<Uint32Array> {
  const shape = [halves.length / 64, 64];
  const w = { id: 0, name: 'w', shape, dtype: 'q8', kind: 'weight' } as const;
  const none = (): never => expect.fail('f16 is asked for as it is');
  const bytes = async () => new Uint8Array(halves.buffer);
  const source = { keys: () => ['w'], shape: () => shape, dtype: () => 'F16', bytes, float32: none };
  const up = await uploadWeights(device, new Map([['w', w]]), source);
  const words = new Uint32Array((await onGpu(device, up.buffers.get('w') as GPUBuffer)).buffer);
  up.destroy();
  return words;
}

describe('quantise', () => {
  /** Any finite half at all, in blocks whose magnitudes are like (32 weights within 16 octaves) and unlike. */
  const everyHalf = Uint16Array.from({ length: 65536 }, (_, h) => h).filter((h) => (h & 0x7c00) !== 0x7c00);
  const shuffled = everyHalf.map((_, i) => everyHalf[(i * 40503) % everyHalf.length] as number);
  /** Every largest magnitude at the head of a block whose other weights lie all over it, ties among them. */
  const everyLargest = Uint16Array.from({ length: 0x7c00 * 32 }, (_, i) =>
    i % 32 === 0 ? i / 32 : Math.floor(((i / 32) * (i * 7919)) % (Math.floor(i / 32) + 1)) | ((i & 1) << 15),
  );
  test.each([
    ['normal weights', toF16(normal(4096, 1, 0.05))],
    ['weights near the smallest half', toF16(normal(4096, 2, 2e-6))],
    ['every finite half in order', everyHalf.slice(0, everyHalf.length - (everyHalf.length % 64))],
    ['every finite half, mixed', shuffled.slice(0, shuffled.length - (shuffled.length % 64))],
    ['every largest', everyLargest],
    ['ties', Uint16Array.from({ length: 64 }, (_, i) => toHalf(i % 32 === 0 ? 127 : (i % 32) - 16 + 0.5))],
    ['zeros', new Uint16Array(64)],
  ])('%s equal the rule, bitwise', async (_, halves) => {
    const [got, want] = [await stored(halves), quantise(fromF16(halves))];
    const at = got.findIndex((word, i) => word !== want[i]);
    expect(at === -1 ? 'equal' : `word ${at}: ${got[at]?.toString(16)}, not ${want[at]?.toString(16)}`).toBe('equal');
    expect(got.length).toBe(want.length);
  });

  test('error: 0.53 % on normal weights; on heavy tails half that of one scale a channel', async () => {
    const [width, count] = [1280, 80 * 1280];
    const chi = [5, 6, 7, 8].map((seed) => normal(count, seed));
    const heavy = normal(count, 4).map(
      (z, i) => (0.02 * z) / Math.sqrt(chi.reduce((sum, c) => sum + c[i]! ** 2, 0) / 4),
    );
    const error = async (w: Float64Array): Promise<number> => {
      const halves = toF16(w);
      return relL2(dequantise(await stored(halves)), fromF16(halves));
    };
    const rows = Array.from({ length: count / width }, (_, o) => heavy.subarray(o * width, (o + 1) * width));
    const steps = rows.map((row) => Math.max(...row.map(Math.abs)) / 127);
    const coarse = heavy.map((w, i) => Math.round(w / steps[Math.floor(i / width)]!) * steps[Math.floor(i / width)]!);
    const perChannel = relL2(coarse, heavy);
    // a block's largest of 32 is 2.35 σ (root mean square), its step that / 127, and rounding to steps leaves step / √12
    expect(await error(normal(count, 9, 0.02))).toBeCloseTo(2.35 / 127 / Math.sqrt(12), 4);
    expect(await error(heavy)).toBeLessThan(perChannel / 2);
  });
});
