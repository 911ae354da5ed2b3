// A second look at the plan on the GPU: recomputation, reuse and dead memory change no value; what is allocated is what was planned.
import { beforeAll, describe, expect, test } from 'vitest';
import { readAdapter } from '../../src/adapter/read.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { type EngineOptions, kernelsFor } from '../../src/gpu/engine-plan.ts';
import type { LoraWeights, MicroStep } from '../../src/gpu/engine-types.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { type GoldenFolder, openGolden } from '../../tools/golden-folder.ts';
import { someOptimizer } from '../../tools/golden-run.ts';
import { countLiveBytes } from '../../tools/live-bytes.ts';
import { testDevice } from './device.ts';
import { smallTiles } from './run-op.ts';

let device: GPUDevice;
let pipelines: Pipelines;
let golden: GoldenFolder;
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
  golden = await openGolden('test/golden/unet/sd15-narrow');
});

async function engineFor(extra: Partial<EngineOptions> = {}, on = device): Promise<Engine> {
  const { config, weights, inputs } = golden;
  const rank = golden.lora.shape(golden.lora.keys()[0] as string)[0] as number;
  const engine = await createEngine(on, {
    config,
    weights,
    batch: inputs.batch,
    height: inputs.height,
    width: inputs.width,
    rank,
    alpha: rank,
    activations: 'f16',
    recompute: 'off',
    optimizer: someOptimizer,
    kernels: smallTiles,
    ...(on === device ? { pipelines } : {}),
    ...extra,
  });
  engine.writeLora((await readAdapter(golden.lora, engine.modules)).weights);
  return engine;
}

const inputs = (): MicroStep & { timesteps: number[] } => ({
  ...golden.inputs,
  timestep: golden.inputs.timesteps[0] as number,
});
const bits = (w: LoraWeights): number[] => [...w.values()].flatMap(({ down, up }) => [...down, ...up]);
async function results(engine: Engine): Promise<number[]> {
  const { noisePred, loss, gradients } = await engine.gradients(inputs());
  return [...noisePred, loss, ...bits(gradients)];
}

describe('the same values, bitwise', () => {
  let reference: number[];
  let plain: Engine;
  beforeAll(async () => {
    plain = await engineFor();
    reference = await results(plain);
    expect(reference.every(Number.isFinite)).toBe(true);
  });

  test('run again', async () => expect(await results(plain)).toEqual(reference));

  test('with recomputation: less memory, more dispatches', async () => {
    const again = await engineFor({ recompute: 'on' });
    expect(await results(again)).toEqual(reference);
    expect(again.gpuBytes.arena).toBeLessThan(0.8 * plain.gpuBytes.arena);
    expect(again.dispatchesPerStep).toBeGreaterThan(plain.dispatchesPerStep);
    again.destroy();
  });

  test('with as much recomputation as a budget of memory asks for', async () => {
    const arenaBytes = Math.floor(0.9 * plain.gpuBytes.arena);
    const some = await engineFor({ recompute: 'auto', arenaBytes });
    expect(await results(some)).toEqual(reference);
    expect(some.gpuBytes.arena).toBeLessThanOrEqual(arenaBytes);
    expect(some.dispatchesPerStep).toBeGreaterThan(plain.dispatchesPerStep);
    some.destroy();
  });

  test('with no memory reused', async () => {
    const apart = await engineFor({ reuse: false });
    expect(await results(apart)).toEqual(reference);
    expect(apart.gpuBytes.arena).toBeGreaterThan(2 * plain.gpuBytes.arena);
    apart.destroy();
  });

  test('with every dead tensor filled with NaN the moment it dies, recomputed or not', async () => {
    for (const recompute of ['off', 'on'] as const) {
      const engine = await engineFor({ recompute });
      poison(engine);
      expect(await results(engine)).toEqual(reference);
      engine.destroy();
    }
  });

  test('the poison works: killing tensors one node early spoils the result', async () => {
    const engine = await engineFor();
    poison(engine, -1);
    expect((await results(engine)).every(Number.isFinite)).toBe(false);
    engine.destroy();
  });
});

/** Makes the train program copy NaN over each tensor after its last use (`shift` nodes later): a copy ends the pass, so each dispatch is its own. */
function poison(engine: Engine, shift = 0): void {
  const plan = engine.built.plans.train as Engine['built']['plans'][string];
  const largest = Math.max(...plan.lifetimes.map((l) => l.bytes));
  const nan = engine.device.createBuffer({ size: largest, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
  engine.device.queue.writeBuffer(nan, 0, new Float32Array(largest / 4).fill(Number.NaN)); // 0x7fc00000: a NaN in f32, 0x7fc0 one half of it in f16
  const deaths = new Map<number, { buffer: GPUBuffer; offset: number; bytes: number }[]>();
  for (const { tensor, last, bytes } of plan.lifetimes) {
    const place = plan.arena.places.get(tensor.id) as { slab: number; offset: number };
    const at = Math.max(0, last + shift);
    deaths.set(at, [
      ...(deaths.get(at) ?? []),
      { buffer: engine.buffers.get(`arena:${place.slab}`) as GPUBuffer, offset: place.offset, bytes },
    ]);
  }
  engine.program('train').afterDispatch = (encoder, index) => {
    const node = plan.dispatches[index]?.node as number;
    if (plan.dispatches[index + 1]?.node === node) return;
    for (const d of deaths.get(node) ?? []) encoder.copyBufferToBuffer(nan, 0, d.buffer, d.offset, d.bytes);
  };
}

test.each(['off', 'on'] as const)(
  'liveness, derived again from what each dispatch binds (recompute %s): every read finds what was last written there',
  async (recompute) => {
    const engine = await engineFor({ recompute });
    for (const plan of Object.values(engine.built.plans)) {
      const owner = new Map<string, number>(); // 256-byte granule of a slab → tensor id
      const granules = (b: { buffer: string; offset: number; bytes: number }): string[] =>
        Array.from({ length: Math.ceil(b.bytes / 256) }, (_, i) => `${b.buffer}@${b.offset / 256 + i}`);
      for (const d of plan.dispatches) {
        const arena = d.bindings.filter((b) => b.buffer.startsWith('arena'));
        for (const b of arena.filter((b) => !b.written))
          expect(
            granules(b).every((g) => owner.get(g) === b.tensor.id),
            `${d.block}/${d.op} reads ${b.tensor.name}`,
          ).toBe(true);
        for (const b of arena.filter((b) => b.written)) for (const g of granules(b)) owner.set(g, b.tensor.id);
        const ranges = arena.map((b) => ({
          from: b.offset,
          to: b.offset + b.bytes,
          buffer: b.buffer,
          id: b.tensor.id,
        }));
        for (const [i, a] of ranges.entries())
          for (const b of ranges.slice(i + 1))
            expect(
              a.buffer === b.buffer && a.from < b.to && b.from < a.to,
              `${d.block}/${d.op} binds overlapping ranges`,
            ).toBe(false);
      }
    }
    engine.destroy();
  },
);

test.each(['f16', 'int8'] as const)(
  'bytes allocated, counted at createBuffer and destroy, are the bytes planned (%s)',
  async (weightStorage) => {
    const own = await testDevice();
    const bytes = countLiveBytes(own);
    const engine = await engineFor({ weightStorage, kernels: kernelsFor(true) }, own);
    await engine.gradients(inputs());
    await engine.step([inputs()]);
    await engine.predict(inputs(), 1);
    await engine.readState();
    expect(bytes.peak).toBe(engine.gpuBytes.total);
    engine.destroy();
    expect(bytes.live).toBe(0);
  },
);

test('strength 0 is bitwise no adapter at all', async () => {
  const engine = await engineFor({ activations: 'f32' });
  const none = await createEngine(device, {
    ...engine.options,
    rank: 0,
    alpha: 0,
    optimizer: undefined,
    pipelines,
  } as EngineOptions);
  const [off, on, without] = [
    await engine.predict(inputs(), 0),
    await engine.predict(inputs(), 1),
    await none.predict(inputs(), 1),
  ];
  expect(off).toEqual(without);
  expect(on).not.toEqual(off);
  engine.destroy();
  none.destroy();
});
