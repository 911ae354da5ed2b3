// The demo's real U-Net where things go wrong: memory that is refused at one buffer or another, a device that is destroyed in the middle of a run.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { initialWeights } from '../../src/adapter/init.ts';
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import { normals } from '../../src/diffusion/random.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { LoraWeights } from '../../src/gpu/engine-types.ts';
import type { GpuReport } from '../../src/gpu/report.ts';
import { runControls } from '../../src/training/controls.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import type { TrainingSet } from '../../src/training/examples.ts';
import { measureSteps } from '../../src/training/measure.ts';
import { trainThroughLosses } from '../../src/training/recover.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { Trouble } from '../../src/trouble.ts';
import { type EngineSpec, engineRoom, runSpec } from '../../src/worker/engine-room.ts';
import { modulesOf, planOf, type UNetFiles, unetEngines } from '../../src/worker/unet-engines.ts';
import { openUNet } from '../../tools/golden-folder.ts';
import { settings as toySettings } from '../training/toy-run.ts';
import { testDevice } from './device.ts';

vi.setConfig({ testTimeout: 300_000 }); // software, on a computer that may be busy
const report: Omit<GpuReport, 'features'> = {
  ...{ name: 'test', kind: 'software', vendor: '', architecture: '' },
  limits: {
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
    maxComputeWorkgroupStorageSize: 2 ** 14,
    maxComputeInvocationsPerWorkgroup: 256,
  },
};
const settings: TrainingSettings = { ...toySettings, resolution: 128, steps: 4, previewEvery: 2, keptAside: 0 };
let files: UNetFiles;
beforeAll(async () => {
  const { config, weights } = await openUNet('public/models/demo/unet');
  files = { config, tensors: weights, downscale: 8, sizes: [64, 128] };
});

/** A device that has room for so many bytes; `refuseAt`: and refuses its n-th buffer. What it refuses it says as a real one does. */
async function smallDevice(capacity: number, refuseAt = Number.POSITIVE_INFINITY) {
  const device = await testDevice();
  const create = device.createBuffer.bind(device);
  const pop = device.popErrorScope.bind(device);
  const push = device.pushErrorScope.bind(device);
  const refused: boolean[] = [];
  const state = { live: 0, count: 0 };
  device.pushErrorScope = (filter) => {
    refused.push(false);
    push(filter);
  };
  device.popErrorScope = async () => {
    const here = refused.pop();
    const error = await pop();
    return here ? ({ message: 'no room' } as GPUOutOfMemoryError) : error;
  };
  device.createBuffer = (descriptor) => {
    const no = ++state.count >= refuseAt || state.live + descriptor.size > capacity;
    if (no && refused.length > 0) refused[refused.length - 1] = true;
    else if (no) throw new Error(`${descriptor.label} was asked for outside an out-of-memory scope`);
    const buffer = create(descriptor);
    if (!no) state.live += descriptor.size;
    let gone = false;
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      if (!no && !gone) state.live -= descriptor.size;
      gone = true;
      return destroy();
    };
    return buffer;
  };
  return { device, state };
}
const engines = (device: GPUDevice) =>
  unetEngines(
    files,
    () => {},
    async () => ({ device, report: { ...report, features: [] } }) as unknown as Gpu,
  );
const build = async (device: GPUDevice, spec: EngineSpec) => engines(device).build(spec);
const refusal = async (work: Promise<unknown>): Promise<Trouble<'out-of-memory'>['facts']> => {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  );
  if (!(error instanceof Trouble && error.code === 'out-of-memory')) throw error ?? new Error('nothing was refused');
  return (error as Trouble<'out-of-memory'>).facts;
};

describe('out of memory', () => {
  test('at any buffer: what was granted is known, nothing is kept, and the settings named do fit', async () => {
    const spec = runSpec({ ...settings, activations: 'f32', recompute: 'off' });
    const needed = planOf(files, spec, report).gpuBytes;
    const { device: counted, state: all } = await smallDevice(Number.POSITIVE_INFINITY);
    (await build(counted, spec)).destroy();
    const buffers = all.count;
    const own = buffers - planOf(files, spec, report).built.weights.size; // the engine's, after the weights
    counted.destroy();
    expect(own).toBeGreaterThan(8);
    for (const at of [buffers - own + 1, buffers - own + 2, buffers - own + 4, buffers - 3, buffers]) {
      const { device, state } = await smallDevice(Number.POSITIVE_INFINITY, at);
      const facts = await refusal(build(device, spec));
      expect(facts.neededBytes).toBe(needed.total);
      expect(facts.gotBytes).toBeGreaterThanOrEqual(needed.weights);
      expect(facts.gotBytes).toBeLessThan(needed.total);
      expect(state.live).toBe(needed.weights); // they serve the next try
      device.destroy();
      if (at > buffers - own + 1) expect(facts.fits).not.toBe(null);
      if (!facts.fits) continue;
      expect(facts.fits.neededBytes).toBeLessThanOrEqual(facts.gotBytes);
      const small = await smallDevice(facts.gotBytes);
      const unet = await build(
        small.device,
        runSpec({ ...settings, activations: 'f32', recompute: 'off', ...facts.fits.settings }),
      );
      expect(unet.gpuBytes.total).toBe(facts.fits.neededBytes);
      expect(small.state.live).toBe(facts.fits.neededBytes);
      unet.destroy();
      small.device.destroy();
    }
  });

  test('the same settings do not fit: the control', async () => {
    const spec = runSpec(settings);
    const { device } = await smallDevice(planOf(files, spec, report).gpuBytes.total - 1);
    await refusal(build(device, spec));
    device.destroy();
  });
});

test('ten steps on noise measure a step, and can be ended between two', async () => {
  const device = await testDevice();
  const room = engineRoom(engines(device).build);
  const latentValues = 4 * 8 * 8;
  const small = { ...settings, resolution: 64 };
  const textValues = 77 * files.config.crossAttentionDim;
  const stop = new AbortController();
  let steps = 0;
  await room.trial(small, async (unet) => {
    const ms = await measureSteps(stop.signal, { unet, settings: small, latentValues, textValues }, (done) => {
      steps = done;
    });
    expect(steps).toBe(10);
    expect(ms).toBeGreaterThan(0);
    const again = measureSteps(stop.signal, { unet, settings: small, latentValues, textValues }, (done) => {
      if (done === 2) stop.abort();
    });
    await expect(again).rejects.toMatchObject({ name: 'AbortError' });
  });
  device.destroy();
});

test('device.destroy() in the middle of a run: it goes on from the last save to the same adapter, bitwise', async () => {
  const photo = (seed: number) => ({
    name: `${seed}`,
    mean: normals({ seed, purpose: 'noise' }, 4 * 64),
    logVariance: new Float32Array(4 * 64).fill(-2),
    encoderHiddenStates: normals({ seed, purpose: 'picture' }, 77 * files.config.crossAttentionDim),
  });
  const set: TrainingSet = {
    ...{ photos: [photo(1)], keptAside: [], instancePrompt: photo(1).encoderHiddenStates, scalingFactor: 1 },
    emptyPrompt: photo(1).encoderHiddenStates,
    schedule: noiseSchedule({ beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012 }),
  };
  const small: TrainingSettings = { ...settings, resolution: 64, activations: 'f16', learningRate: 1e-3 };
  const modules = modulesOf(files);
  const initial = () =>
    initialWeights(modules, 4, (sample, count) => normals({ seed: 7, purpose: 'lora', sample }, count));

  async function run(destroyAt: number | null): Promise<{ events: TrainEvent[]; adapter: LoraWeights | undefined }> {
    const events: TrainEvent[] = [];
    const moments = new Map<number, LoraWeights>();
    let device = await testDevice();
    let used = false;
    const gpu = unetEngines(
      files,
      () => {},
      async () => {
        if (used) device = await testDevice();
        used = true;
        return { device, report: { ...report, features: [] } } as unknown as Gpu;
      },
    );
    const room = engineRoom(gpu.build);
    await trainThroughLosses(() => room.forTraining(small), {
      ...{ set, settings: small, from: null, initialLora: initial, controls: runControls() },
      preview: async () => {},
      keeper: { save: async () => {}, moment: async (step, lora) => void moments.set(step, lora) },
      report(event) {
        events.push(event);
        if (event.kind === 'step' && event.step === destroyAt && !events.some((e) => e.kind === 'device-lost'))
          device.destroy();
      },
    });
    room.close();
    gpu.close();
    return { events, adapter: moments.get(small.steps) };
  }
  const quiet = await run(null);
  const shaken = await run(3);
  expect(shaken.events).toContainEqual({ kind: 'device-lost', step: 2 });
  expect(shaken.events).toContainEqual({ kind: 'resumed', step: 2 });
  expect(quiet.adapter).toBeDefined();
  expect(shaken.adapter).toEqual(quiet.adapter);
});
