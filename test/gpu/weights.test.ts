// The upload: every byte that reaches the GPU, from f32, f16 and bf16 files; pieces, memory that is refused, a signal, damaged numbers.
import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/files/safetensors.ts';
import { uploadWeights } from '../../src/gpu/weights.ts';
import { fromF16, toF16 } from '../../src/tensor/half.ts';
import { byteLength, numel, type StorageType, type Tensor } from '../../src/tensor/tensor.ts';
import { Trouble } from '../../src/trouble.ts';
import { countLiveBytes } from '../../tools/live-bytes.ts';
import { normal } from '../check.ts';
import { quantise } from '../reference/q8.ts';
import { testDevice } from './device.ts';
import { onGpu } from './on-gpu.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await testDevice();
});

let id = 0;
const weight = (name: string, shape: number[], dtype: StorageType): Tensor => ({
  id: id++,
  name,
  shape,
  dtype,
  kind: 'weight',
});
/** Shapes as the graph has them; the last is more than one piece (2²⁰ halves). */
const declared = (dtype: 'f16' | 'q8'): Map<string, Tensor> =>
  new Map(
    [
      weight('linear', [40, 64], dtype),
      weight('one-by-one', [96, 32], dtype),
      weight('conv', [24, 3, 3, 64], dtype),
      weight('odd', [7], 'f16'),
      weight('conv_in', [5, 3, 3, 3], 'f16'),
      weight('large', [1300, 3, 3, 128], dtype),
    ].map((t) => [t.name, t]),
  );
const inFile = (t: Tensor): number[] =>
  t.name === 'one-by-one' ? [...t.shape, 1, 1] : t.shape.length === 4 ? [t.shape[0]!, t.shape[3]!, 3, 3] : [...t.shape];
// exact in bf16, so that the three files hold the same numbers
const valuesOf = (t: Tensor): Float32Array => {
  const values = Float32Array.from(normal(numel(t.shape), t.name.length, 0.05));
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = bits[i]! & 0xffff0000;
  return values;
};
const fileOf = (tensors: Iterable<Tensor>, dtype: 'F32' | 'F16' | 'BF16', change = (v: Float32Array) => v) =>
  readSafetensors(
    new Blob([
      writeSafetensors(
        [...tensors].map((t) => {
          const v = change(valuesOf(t));
          const data =
            dtype === 'F32'
              ? v
              : dtype === 'F16'
                ? toF16(v)
                : Uint16Array.from(new Uint32Array(v.buffer), (b) => b >>> 16);
          return { name: t.name, dtype, shape: inFile(t), data };
        }),
      ),
    ]),
    'x.safetensors',
  );

/** What the graph's layout says, written plainly. */
function channelsLast(t: Tensor): Float32Array {
  const v = valuesOf(t);
  if (t.shape.length !== 4) return v;
  const [, , , channels] = t.shape as [number, number, number, number];
  return v.map((_, at) => {
    const [o, rest] = [Math.floor(at / (9 * channels)), at % (9 * channels)];
    return v[(o * channels + (rest % channels)) * 9 + Math.floor(rest / channels)]!;
  });
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test.each(['f16', 'q8'] as const)(
  '%s: f32, f16 and bf16 files give the same bytes, and they are the right ones',
  async (dtype) => {
    const tensors = declared(dtype);
    const hashes: Map<string, string>[] = [];
    for (const format of ['F16', 'F32', 'BF16'] as const) {
      const heard = new Map<string, string>();
      const progress: number[] = [];
      const up = await uploadWeights(
        device,
        tensors,
        await fileOf(tensors.values(), format),
        (done, total) => progress.push(done / total),
        { onWrite: (name, bytes) => heard.set(name, sha(bytes)) },
      );
      expect(progress.at(-1)).toBe(1);
      expect(up.bytes).toBe([...tensors.values()].reduce((sum, t) => sum + byteLength(t), 0));
      const here = new Map<string, string>();
      for (const [name, t] of tensors) {
        const bytes = await onGpu(device, up.buffers.get(name) as GPUBuffer);
        here.set(name, sha(bytes));
        const want = channelsLast(t);
        if (t.dtype === 'f16') expect(heard.get(name), `${name} as told to onWrite`).toBe(here.get(name));
        if (format !== 'F16') continue;
        if (t.dtype === 'f16')
          expect(fromF16(new Uint16Array(bytes.buffer)).slice(0, want.length), name).toEqual(fromF16(toF16(want)));
        else expect(new Uint32Array(bytes.buffer), name).toEqual(quantise(want));
      }
      hashes.push(here);
      up.destroy();
    }
    expect(hashes[1]).toEqual(hashes[0]);
    expect(hashes[2]).toEqual(hashes[0]);
  },
);

test('a weight that is no number is told by name and place where 8 bits cannot hold it', async () => {
  const tensors = new Map([...declared('q8')].filter(([name]) => name === 'linear'));
  const file = await fileOf(tensors.values(), 'F16', (v) => v.fill(Number.NaN, 70, 71));
  const error = await uploadWeights(device, tensors, file).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(Trouble);
  expect((error as Trouble).facts).toMatchObject({ expected: 'linear: finite numbers', got: 'NaN or infinity at 70' });
});

test('its place is right in a later piece, too', async () => {
  const tensors = new Map([['w', weight('w', [1100, 1024], 'q8')]]);
  const halves = new Uint16Array(1100 * 1024);
  halves[1_100_000] = 0xfc00;
  const error = await uploadWeights(
    device,
    tensors,
    f16Source(tensors, () => halves),
  ).catch((e: unknown) => e);
  expect((error as Trouble).facts).toMatchObject({ expected: 'w: finite numbers', got: 'NaN or infinity at 1100000' });
});

test('stopped by its signal, it leaves nothing behind', async () => {
  const own = await testDevice();
  const count = countLiveBytes(own);
  const tensors = declared('f16');
  const stop = new AbortController();
  const told = () => stop.abort(new Error('enough'));
  await expect(
    uploadWeights(own, tensors, await fileOf(tensors.values(), 'F16'), told, { signal: stop.signal }),
  ).rejects.toThrow('enough');
  expect(count.peak).toBeGreaterThan(0);
  expect(count.live).toBe(0);
});

/** What a file of f16 offers, without the file. */
const f16Source = (tensors: ReadonlyMap<string, Tensor>, halvesOf: (name: string) => Uint16Array<ArrayBuffer>) => ({
  keys: () => [...tensors.keys()],
  shape: (name: string) => [...(tensors.get(name) as Tensor).shape],
  dtype: () => 'F16',
  bytes: async (name: string) => new Uint8Array(halvesOf(name).buffer),
  float32: () => expect.fail('f16 is asked for as it is'),
});

// q8: 89 MB each, likewise a portion; what the quantiser needs is refused with them, and must not hide that the weights were
test.each(['f16', 'q8'] as const)(
  'memory refused for %s: what was granted before is said, and nothing is left',
  async (dtype) => {
    const own = await testDevice();
    const columns = dtype === 'f16' ? 5120 : 10240;
    const tensors = new Map([1, 2, 3].map((n) => [`w${n}`, weight(`w${n}`, [8192, columns], dtype)])); // f16: 84 MB
    const count = countLiveBytes(own);
    const pop = own.popErrorScope.bind(own);
    let scopes = 0;
    own.popErrorScope = async () => (await pop()) ?? (++scopes > 1 ? ({ message: 'refused' } as GPUError) : null);
    const source = f16Source(tensors, () => new Uint16Array(8192 * columns));
    const error = await uploadWeights(own, tensors, source).catch((e: unknown) => e);
    const bytes = byteLength(tensors.get('w1') as Tensor);
    expect((error as Trouble).code).toBe('out-of-memory');
    expect((error as Trouble).facts).toEqual({ neededBytes: 3 * bytes, gotBytes: bytes, fits: null });
    expect(count.live).toBe(0);
  },
);
