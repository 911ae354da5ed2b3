// A whole U-Net with 8-bit weights. On weights that 8 bits hold exactly, it must do just what the f16 engine does: forward, loss and gradients.
import { beforeAll, expect, test } from 'vitest';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { fromHalf, toHalf } from '../../src/tensor/half.ts';
import { fitsQ8 } from '../../src/tensor/tensor.ts';
import { type GoldenFolder, openGolden } from '../../tools/golden-folder.ts';
import { type GoldenValues, runGolden } from '../../tools/golden-run.ts';
import { relL2 } from '../check.ts';
import { testDevice } from './device.ts';

let device: GPUDevice;
let pipelines: Pipelines;
/** The kernels that compile soonest on a software adapter; the tiled ones read q8 in gemm.test.ts. */
const kernels = kernelsFor(true);
const TIMEOUT_MS = 600_000; // three engines compile and run
let golden: GoldenFolder; // the demo's widths: 64, 96, 160
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
  golden = await openGolden('test/golden/unet/demo');
});

const weightsOf = (change: (values: Float32Array, shape: number[]) => Float32Array): GoldenFolder => {
  const { weights } = golden;
  return {
    ...golden,
    weights: {
      ...weights,
      dtype: () => 'U8', // no format that goes up as it is: the values are asked for
      float32: async (key) =>
        change((await weights.float32(key)).slice(), weights.shape(key)) as Float32Array<ArrayBuffer>,
    },
  };
};
/** Block by block: whole multiples of a power of two, the largest 127 of them. Its scale is then that power × 128, without rounding. */
function exactIn8Bits(values: Float32Array, [o = 1, i = 1, ...taps]: number[]): Float32Array {
  const inner = taps.reduce((a, b) => a * b, 1);
  if (!fitsQ8([o, ...taps, i])) return values;
  for (let row = 0; row < o; row++)
    for (let tap = 0; tap < inner; tap++)
      for (let first = 0; first < i; first += 32) {
        const places = Array.from({ length: 32 }, (_, n) => (row * i + first + n) * inner + tap);
        const largest = places.reduce((a, b) => (Math.abs(values[a]!) > Math.abs(values[b]!) ? a : b));
        const step = 2 ** Math.ceil(Math.log2(Math.abs(values[largest]!) / 127));
        for (const at of places) values[at] = Math.round(values[at]! / step) * step;
        values[largest] = 127 * step * (Math.sign(values[largest]!) || 1);
      }
  return values.map((v) => fromHalf(toHalf(v)));
}
const difference = (a: GoldenValues[], b: GoldenValues[]): number =>
  Math.max(...a.map((v, n) => (v.values.some((x) => x !== 0) ? relL2(b[n]!.values, v.values) : 0)));

test(
  'equal to f16 on weights that both hold, and not on others',
  async () => {
    const exact = weightsOf(exactIn8Bits);
    const run = (g: GoldenFolder, weightStorage: 'f16' | 'int8') =>
      runGolden(device, g, 'f32', { pipelines, kernels, weightStorage });
    const [f16, int8] = [await run(exact, 'f16'), await run(exact, 'int8')];
    expect(f16.length).toBeGreaterThan(60);
    // the same values multiplied in the same order: no tolerance is needed for what a compiler may contract either way
    expect(difference(f16, int8)).toBeLessThan(1e-6);
    const perturbed = await run(
      weightsOf((v, shape) => exactIn8Bits(v, shape).map((x, n) => (n === 0 ? x * 2 : x))),
      'int8',
    );
    expect(difference(f16, perturbed)).toBeGreaterThan(1e-4);
  },
  TIMEOUT_MS,
);

test(
  'on weights as they are: the noise within 2 %, the gradients’ direction within 0.5 %',
  async () => {
    const [f16, int8] = [
      await runGolden(device, golden, 'f32', { pipelines, kernels }),
      await runGolden(device, golden, 'f32', { pipelines, kernels, weightStorage: 'int8' }),
    ];
    const noise = relL2(int8[0]!.values, f16[0]!.values);
    const cosine = (part: string): number => {
      const all = (of: GoldenValues[]) => of.filter((v) => v.key.includes(part)).flatMap((v) => [...v.values]);
      const [a, b] = [all(f16), all(int8)];
      const dot = (x: number[], y: number[]): number => x.reduce((sum, v, n) => sum + v * y[n]!, 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    const measured = { noise, A: cosine('.lora.down'), B: cosine('.lora.up') };
    console.log('int8 vs f16', measured);
    expect(noise).toBeLessThan(2e-2);
    expect(noise).toBeGreaterThan(1e-4); // it is not f16 in disguise
    expect(Math.min(measured.A, measured.B)).toBeGreaterThan(0.995);
  },
  TIMEOUT_MS,
);
