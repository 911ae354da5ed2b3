// Engines made one after another on a fake device that frees memory late, refuses, is nameless, or drops a submit: what is asked of which device.
import { afterEach, describe, expect, test, vi } from 'vitest';
import { promisedMs } from '../../src/gpu/cards.ts';
import { requestGpu } from '../../src/gpu/device.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import { slowRun } from '../../src/training/slow-run.ts';
import { runSpec } from '../../src/worker/engine-room.ts';
import { DEFAULT_LIMITS, optionsOf, planOf, type UNetFiles, unetEngines } from '../../src/worker/unet-engines.ts';
import { settings as toySettings } from '../training/toy-run.ts';
import { FakeGpu } from './adapter.ts';
import { constants } from './device.ts';
import { config, engineOptions, example, weightsFor } from './engines.ts';
import { type Habits, HONEST } from './habits.ts';
import { FakeTime } from './time.ts';

vi.setConfig({ testTimeout: 60_000 });
const tensors = weightsFor(enginePrograms(engineOptions, 2 ** 27).weights);
const files: UNetFiles = { config, tensors, downscale: 8, sizes: [64] };
const settings = { ...toySettings, resolution: 64, batch: 1, accumulate: 1 };
const spec = (weights: 'f16' | 'int8') => runSpec({ ...settings, weights });
const needed = planOf(files, spec('f16'), DEFAULT_LIMITS).gpuBytes.total;

let end = (): void => {};
afterEach(() => end());
function engines(...answers: (Partial<Habits> | null)[]) {
  Object.assign(globalThis, constants);
  const time = new FakeTime();
  const gpu = new FakeGpu(time, answers);
  end = time.install();
  return {
    time,
    gpu,
    ...unetEngines(
      files,
      () => {},
      () => requestGpu(gpu.gpu),
    ),
  };
}

describe('memory that is granted and not there', () => {
  const nameless = { vendor: '', architecture: '', device: '', description: '' }; // its speed is measured, whatever it is to do
  /** What is told of six steps and the draws before them. */
  async function told(pages: number | null) {
    const memory = { ...HONEST.memory, capacity: needed / 2, pages };
    const { time, gpu, build } = engines({ info: nameless, memory: pages ? memory : HONEST.memory });
    const unet = await time.until(build(spec('f16')));
    const slowed: TrainEvent[] = [];
    const run = slowRun(time.now, (event) => event.kind === 'slowed' && slowed.push(event));
    const { flopsPerStep: flops, dispatchesPerStep: dispatches } = unet;
    run.expect(promisedMs((await requestGpu(gpu.gpu)).report, { flops, dispatches }), 1);
    for (let done = 1; done <= 6; done++) {
      await time.until(unet.evaluate(example(done), 1));
      run.hear({ kind: 'progress', progress: { phase: 'measuring', done, total: 6 } });
    }
    for (let at = 1; at <= 6; at++) {
      const { step, loss, gradientNorm, learningRate } = await time.until(unet.step([example(at)]));
      run.hear({ kind: 'step', step, loss, gradientNorm, learningRate, msPerStep: 0, msLeft: 0 });
    }
    return slowed.map((event) => event.kind === 'slowed' && event.step);
  }

  test('is told from the held-out draws on, and by the first three steps', async () => {
    expect(await told(40)).toEqual([0, 3]);
  });
  test('control: an honest card is never told', async () => {
    expect(await told(null)).toEqual([]);
  });
});

describe('memory that is freed late', () => {
  const memory = { ...HONEST.memory, capacity: needed, freesLate: true };

  test('is waited for before an engine in the place of another is made', async () => {
    const { time, gpu, build } = engines({ memory });
    for (let i = 0; i < 3; i++) (await time.until(build(spec('f16')))).destroy();
    expect(gpu.devices).toHaveLength(1);
  });

  test('control: where it never is free, the second engine is refused', async () => {
    const { time, gpu, build } = engines({ memory });
    (await time.until(build(spec('f16')))).destroy();
    const [device] = gpu.devices;
    if (device) device.freed = () => {};
    await expect(time.until(build(spec('f16')))).rejects.toMatchObject({ code: 'out-of-memory' });
  });
});

test('after a refusal the next engine gets a device of its own', async () => {
  const { time, gpu, build } = engines({}, {});
  const unet = await time.until(build(spec('f16')));
  gpu.devices[0]?.error('a binding was wrong');
  await expect(time.until(unet.step([example(1)]))).rejects.toMatchObject({ code: 'gpu-refused' });
  const next = await time.until(build(spec('f16')));
  expect(gpu.devices).toHaveLength(2);
  expect((await time.until(next.step([example(1)]))).step).toBe(1);
});

test('a nameless card of a software adapter’s speed gets its kernels, however its limits are', async () => {
  const nameless = { vendor: '', architecture: '', device: '', description: '' };
  const { time, gpu, build } = engines({ info: nameless, card: { flopsPerMs: 3e6, dispatchMs: 0.05 } });
  const unet = await time.until(build(spec('f16')));
  expect(optionsOf(files, spec('f16')).height).toBe(8);
  const before = gpu.devices[0]?.queue.submits.length ?? 0;
  await time.until(unet.step([example(1)]));
  expect(gpu.devices[0]?.queue.submits.length).toBeGreaterThan(before);
  const report = (await requestGpu(gpu.gpu)).report;
  expect(report.name).toBe('');
  const software = planOf(files, spec('f16'), report).built.plans.train?.dispatches.map((d) => d.launch.defines);
  expect(software?.some((d) => d.TILED === true)).toBe(false);
});

test('a browser that answers late is nudged on a card whose speed nobody needs to know, too', async () => {
  const software = { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: true }; // Firefox on lavapipe
  const { time, gpu, build } = engines({ info: software, answers: { everyMs: 100, atSubmits: true } });
  const unet = await time.until(build(spec('f16')));
  const [device] = gpu.devices;
  expect(laneOf(device!.gpu).waits.nudged).toBe(true);
  await time.until(unet.step([example(1)]));
  expect(device!.queue.empty).toBeGreaterThan(0);
});
