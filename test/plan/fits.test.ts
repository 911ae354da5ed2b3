// What fits: the README's table is the plan's; the step at full size on WebGPU's default limits; which settings are named when memory is short.
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { enginePrograms, kernelsFor, MAX_DISPATCH_FLOPS } from '../../src/gpu/engine-plan.ts';
import { pipelineKey, wgsl } from '../../src/gpu/shader.ts';
import { dispatchFlops, LEAST_DISPATCH_FLOPS } from '../../src/gpu/speed.ts';
import { vaePrograms } from '../../src/gpu/vae-plan.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import type { EngineSpec } from '../../src/worker/engine-room.ts';
import { optionsOf, planOf } from '../../src/worker/unet-engines.ts';
import { whatFits } from '../../src/worker/what-fits.ts';
import { fitsTable, needs, readSd15, tableIn } from '../../tools/fits.ts';
import { settings } from '../training/toy-run.ts';

vi.setConfig({ testTimeout: 60_000 }); // whole plans of Stable Diffusion 1.5, on a computer that may be busy

const config = parseUNetConfig(JSON.parse(readFileSync('test/golden/configs/sd15-unet.json', 'utf8')));
const tensors = { keys: () => [], shape: () => [], float32: async () => new Float32Array() };
const files = { config, tensors, downscale: 8, sizes: [256, 384, 512] };
const spec = (change: Partial<EngineSpec['training']> = {}): EngineSpec => {
  const training = { ...settings, resolution: 512, ...change } as EngineSpec['training'] & object;
  return { rank: 4, alpha: 4, size: training.resolution, weights: training.weights, training };
};

test('the README says what npm run fits prints', async () => {
  expect(tableIn(readFileSync('README.md', 'utf8'))).toBe(fitsTable(await readSd15()));
});

test('the VAE of Stable Diffusion 1.5 at 512²: a photo alone, a picture beside the resident U-Net', async () => {
  const sd15 = await readSd15();
  const [f16, int8] = (['f16', 'int8'] as const).map((weights) => needs(sd15, 512, weights, 'f16'));
  expect(f16?.encode).toBeLessThanOrEqual(0.3e9);
  for (const bytes of [f16?.preview, f16?.picture]) expect(bytes).toBeLessThanOrEqual(2.15e9);
  for (const bytes of [int8?.preview, int8?.picture]) expect(bytes).toBeLessThanOrEqual(1.35e9);
  const shape = { config: sd15.vae, height: 64, width: 64 };
  const f32 = vaePrograms('encode', shape, 'f32', kernelsFor(false), 2 ** 27);
  expect(f32.bytes.total).toBeLessThanOrEqual(0.55e9);
});

test.each([
  [512, 'f16'],
  [512, 'f32'],
  [768, 'f16'],
] as const)(
  'its decoder at %d², %s, on default limits: bindings, workgroups, dispatches',
  async (size, activations) => {
    const shape = { config: (await readSd15()).vae, height: size / 8, width: size / 8 };
    const built = vaePrograms('decode', shape, activations, kernelsFor(false), 2 ** 27);
    for (const bytes of built.slabBytes) expect(bytes).toBeLessThanOrEqual(2 ** 27);
    for (const { launch, bindings } of built.plans.decode?.dispatches ?? []) {
      expect(bindings.length).toBeLessThanOrEqual(8);
      for (const b of bindings) expect(b.bytes).toBeLessThanOrEqual(2 ** 27);
      for (const n of launch.workgroups) expect(n).toBeLessThanOrEqual(65535);
      expect(launch.flops).toBeLessThanOrEqual(MAX_DISPATCH_FLOPS);
    }
    expect(built.plans.decode?.flops).toBeCloseTo(size === 512 ? 2.5145e12 : 5.7543e12, -9.5);
  },
);

describe.each(['f16', 'f32'] as const)(
  'Stable Diffusion 1.5 at 512², %s activations, on default limits',
  (activations) => {
    const build = (maxDispatchFlops: number) =>
      enginePrograms(
        { ...optionsOf(files, spec({ activations })), kernels: kernelsFor(false, maxDispatchFlops) },
        2 ** 27,
      );
    const built = build(MAX_DISPATCH_FLOPS);
    const launches = Object.values(built.plans).flatMap((p) => p.dispatches);

    test('bindings, storage buffers, workgroups, threads and workgroup memory', () => {
      for (const bytes of built.slabBytes) expect(bytes).toBeLessThanOrEqual(2 ** 27);
      const kernels = new Map<string, string>();
      for (const { launch, bindings } of launches) {
        expect(bindings.length).toBeLessThanOrEqual(8);
        for (const b of bindings) {
          expect(b.bytes).toBeLessThanOrEqual(2 ** 27);
          expect(b.offset % 256).toBe(0);
        }
        for (const n of launch.workgroups) expect(n).toBeLessThanOrEqual(65535);
        const key = pipelineKey(launch);
        if (!kernels.has(key)) kernels.set(key, wgsl(launch));
      }
      expect(kernels.size).toBeGreaterThan(20);
      let most = 0;
      for (const text of kernels.values()) {
        const bytes = workgroupBytes(text);
        most = Math.max(most, bytes);
        expect(bytes).toBeLessThanOrEqual(16384);
        for (const size of text.matchAll(/@workgroup_size\(([^)]*)\)/g))
          expect((size[1] as string).split(',').reduce((n, v) => n * Number(v), 1)).toBeLessThanOrEqual(256);
      }
      expect(most).toBeGreaterThan(4096); // the tiles of the products were found
    });

    test('no dispatch above 12.5 GFLOP, attention’s products included', () => {
      const longest = Math.max(...launches.map((d) => d.launch.flops));
      expect(longest).toBeLessThanOrEqual(MAX_DISPATCH_FLOPS);
      expect(longest).toBeGreaterThan(MAX_DISPATCH_FLOPS / 4); // nothing is cut for no reason
      const products = launches.filter((d) => d.op.startsWith('attention') && d.launch.shader === 'gemm');
      expect(products.length).toBeGreaterThan(500);
      for (const d of launches.filter((d) => d.launch.shader === 'gemm')) expect(d.launch.flops).toBeGreaterThan(0);
    });

    test('a slow adapter’s dispatches are shorter, and all work is still done', () => {
      const asked = dispatchFlops(20e6); // 20 GFLOP/s
      expect(asked).toBeLessThanOrEqual(1e9);
      const slow = build(asked);
      const flops = (b: typeof built) =>
        Object.values(b.plans).reduce((sum, p) => sum + p.dispatches.reduce((n, d) => n + d.launch.flops, 0), 0);
      const tooLong = [slow, build(LEAST_DISPATCH_FLOPS)]
        .flatMap((b) => Object.values(b.plans).flatMap((p) => p.dispatches.map((d) => d.launch)))
        .filter(({ flops, workgroups }) => flops > 3.78e9 || (flops > asked && workgroups[1] > 1)); // a row of tiles is the least
      expect(tooLong).toEqual([]);
      expect(flops(slow) / flops(built)).toBeCloseTo(1, 6);
    });
  },
);

/** Bytes of all `var<workgroup>` of a WGSL module. */
function workgroupBytes(text: string): number {
  const constants = new Map(
    [...text.matchAll(/const (\w+)(?:: u32)? = ([^;]+);/g)].map((m) => [m[1] as string, m[2] as string]),
  );
  const value = (expression: string): number => {
    const plain = expression
      .replace(/[A-Za-z_]\w*/g, (name) => `(${constants.get(name) ?? name})`)
      .replace(/(\d)u\b/g, '$1');
    if (/[A-Za-z_]/.test(plain)) return value(plain);
    if (!/^[\d\s()+*/-]+$/.test(plain)) throw new Error(`cannot tell the length "${expression}"`);
    return Function(`return ${plain}`)() as number;
  };
  let bytes = 0;
  for (const [, type] of text.matchAll(/var<workgroup> \w+: ([^;]+);/g)) {
    const array = /^array<(.+), ([^,]+)>$/.exec(type as string);
    const element = array ? (array[1] as string) : (type as string);
    const size = /vec4/.test(element) ? 16 : /vec3/.test(element) ? 16 : /vec2/.test(element) ? 8 : 4;
    bytes += size * (array ? value(array[2] as string) : 1);
  }
  return bytes;
}

describe('when memory is short', () => {
  const bytesOf = (s: EngineSpec): number =>
    1000 +
    (s.weights === 'f16' ? 1700 : 900) +
    s.size * (s.training?.activations === 'f32' ? 4 : 2) * (s.training?.recompute === 'on' ? 1 : 3);

  test.each([
    [5800, { activations: 'f16' }],
    [3800, { activations: 'f16', recompute: 'on' }],
    [2950, { activations: 'f16', recompute: 'on', weights: 'int8' }],
    [2700, { activations: 'f16', recompute: 'on', weights: 'int8', resolution: 384 }],
    [2500, { activations: 'f16', recompute: 'on', weights: 'int8', resolution: 256 }],
  ])('%d bytes: %o', (got, expected) => {
    const fits = whatFits(spec({ activations: 'f32' }), files.sizes, got, bytesOf);
    expect(fits?.settings).toEqual(expected);
    expect(fits?.neededBytes).toBeLessThanOrEqual(got);
  });

  test('nothing', () => expect(whatFits(spec(), files.sizes, 2000, bytesOf)).toBe(null));

  test('what is so already is not named', () => {
    const here = spec({ activations: 'f16', recompute: 'on' });
    expect(whatFits(here, files.sizes, 2950, bytesOf)?.settings).toEqual({ weights: 'int8' });
    const picture = { ...here, training: null };
    expect(whatFits(picture, files.sizes, 1e9, () => 1)?.settings).toEqual({ weights: 'int8' });
  });

  test('of Stable Diffusion 1.5 the plan names what the plan says', () => {
    const limits = { kind: 'unknown', name: '', limits: { maxStorageBufferBindingSize: 2 ** 27 } } as never;
    const planned = (s: EngineSpec) => planOf(files, s, limits).gpuBytes.total;
    const f32 = spec({ activations: 'f32' });
    const fits = whatFits(f32, files.sizes, planned(f32) - 1, planned);
    expect(fits?.settings).toEqual({ activations: 'f16' });
    expect(fits?.neededBytes).toBe(planned(spec({ activations: 'f16' })));
  });
});
