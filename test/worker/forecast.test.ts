// What a run takes, said before it starts: phases, the largest, the time as measured; sizes; settings of earlier versions.
import { describe, expect, it } from 'vitest';
import { wholeRuns } from '../../src/storage/earlier.ts';
import type { RunSummary } from '../../src/training/run-summary.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { pictureSpec, runSpec } from '../../src/worker/engine-room.ts';
import { forecast } from '../../src/worker/forecast.ts';
import { sizesOf } from '../../src/worker/model-session.ts';
import { modulesOf, planOf, type UNetFiles } from '../../src/worker/unet-engines.ts';
import { openUNet } from '../../tools/golden-folder.ts';
import { settings as toySettings } from '../training/toy-run.ts';
import { memoryRuns } from './memory-stores.ts';
import { toyCanvas } from './toy-model.ts';

const report = { kind: 'software', name: 'toy', limits: { maxStorageBufferBindingSize: 2 ** 27 } } as never;
const settings: TrainingSettings = { ...toySettings, resolution: 128 };

async function demo() {
  const { config, weights } = await openUNet('public/models/demo/unet');
  const unet: UNetFiles = { config, tensors: weights, downscale: 8, sizes: [64, 128] };
  const { canvas } = toyCanvas();
  const info = {
    id: 'demo',
    name: '',
    bytes: 0,
    version: '',
    resolution: 128,
    sizes: [64, 128],
    source: '',
    licence: '',
  };
  return { unet, canvas, info, modulesFor: () => modulesOf(unet) };
}

describe('a forecast', () => {
  it('says every phase, as planned, and the largest', async () => {
    const model = await demo();
    const told = await forecast(model, settings, report, []);
    const [training, drawing] = [runSpec(settings), pictureSpec({ size: 128, weights: 'f16' }, 4)].map(
      (spec) => planOf(model.unet, spec, report).built,
    );
    const [train, picture] = [training!.bytes, drawing!.bytes];
    const beside = [training!.slabBytes.length, drawing!.slabBytes.length] as const; // what the toy's decoder takes
    expect(told.gpuBytes).toEqual(train);
    expect(told.phases).toEqual([
      { phase: 'encode', gpuBytes: 3, ramBytes: 1, ms: null },
      { phase: 'train', gpuBytes: train.total, ramBytes: 0, ms: null },
      { phase: 'preview', gpuBytes: train.total + beside[0], ramBytes: 0, ms: null },
      { phase: 'decode', gpuBytes: picture.total + beside[1], ramBytes: 0, ms: null },
    ]);
    expect(told.peakGpuBytes).toBe(Math.max(train.total, picture.total + beside[1]));
    expect((await forecast(model, { ...settings, resolution: 64 }, report, [])).flopsPerStep).toBeLessThan(
      0.5 * told.flopsPerStep,
    );
  });

  it('knows what was measured here with these settings, and no others', async () => {
    const model = await demo();
    const { timings } = model.canvas;
    timings.note({ kind: 'step', settings }, 1500);
    timings.note({ kind: 'encode', size: 128 }, 30);
    timings.note({ kind: 'decode', size: 128 }, 200);
    timings.note({ kind: 'preview', settings }, 9000);
    await new Promise((wake) => setTimeout(wake, 5));
    const told = await forecast(model, settings, report, []);
    expect(told.phases.map((p) => p.ms)).toEqual([30, 1500, 9000, 200]);
    expect(told.msPerStep).toBe(1500);
    for (const other of [{ resolution: 64 }, { weights: 'int8' }, { activations: 'f16' }, { batch: 2 }] as const)
      expect((await forecast(model, { ...settings, ...other }, report, [])).msPerStep).toBe(null);
  });

  it('else what the last run like it took', async () => {
    const run = (msPerStep: number, startedAt: number, change: Partial<TrainingSettings> = {}) =>
      ({ modelId: 'demo', msPerStep, startedAt, settings: { ...settings, ...change } }) as RunSummary;
    const runs = [run(900, 1), run(1000, 2), run(300, 3, { resolution: 64 }), run(5, 4, { batch: 4 })];
    expect((await forecast(await demo(), settings, report, runs)).msPerStep).toBe(1000);
  });

  it('refuses a size or a storage that there is not', async () => {
    const model = await demo();
    for (const change of [{ resolution: 96 }, { weights: 'q4' as 'f16' }])
      await expect(forecast(model, { ...settings, ...change }, report, [])).rejects.toMatchObject({
        code: 'bad-setting',
      });
  });
});

it('sizes are those that halve evenly, down to a third', () => {
  expect(sizesOf(512, 64)).toEqual([256, 384, 512]);
  expect(sizesOf(768, 64)).toEqual([256, 384, 512, 768]);
  expect(sizesOf(128, 32)).toEqual([64, 128]);
  expect(sizesOf(512, 256)).toEqual([256, 512]);
});

it('a run stored before there were sizes is of the demo model’s, in f16', async () => {
  const { resolution: _r, weights: _w, ...then } = settings;
  const runs = memoryRuns();
  await runs.save({ summary: { runId: 'old', settings: then } as RunSummary, snapshot: {} as never, photos: 1 });
  const whole = wholeRuns(runs);
  expect((await whole.load('old'))!.summary.settings).toEqual({ ...settings, resolution: 128, weights: 'f16' });
  expect((await whole.list())[0]!.settings.resolution).toBe(128);
});
