// A whole run in the worker over the toy U-Net: what is stored when, going on after a reload and a lost GPU, troubles, evidence.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { BaseModel } from '../../src/adapter/base-model.ts';
import { readSafetensors } from '../../src/files/safetensors.ts';
import type { EngineMade } from '../../src/gpu/engine-types.ts';
import { runControls } from '../../src/training/controls.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import type { TrainingJob } from '../../src/training/job.ts';
import { learningRates } from '../../src/training/learning-rate.ts';
import { noticingLoss } from '../../src/training/recover.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import { Trouble } from '../../src/trouble.ts';
import { adapterShelf } from '../../src/worker/adapter-shelf.ts';
import { checkJob } from '../../src/worker/check-job.ts';
import { prepareRun } from '../../src/worker/prepare-run.ts';
import { runSession } from '../../src/worker/run-session.ts';
import { settings } from '../training/toy-run.ts';
import { type ToyOptions, toyUnet } from '../training/toy-unet.ts';
import { memoryAdapters, memoryPreviews, memoryRuns } from './memory-stores.ts';
import { toyCanvas, withoutCanvas } from './toy-model.ts';

beforeAll(withoutCanvas);
afterAll(() => vi.unstubAllGlobals());

const photos = [1, 2, 3, 4].map((n) => ({
  id: `p${n}`,
  name: `${n}.png`,
  file: new Blob([String(n)]),
  crop: { x: 0.5, y: 0.5, size: 1 },
  caption: n === 2 ? 'a drawing of it' : '',
}));
const jobOf = (change: Partial<TrainingSettings> = {}): TrainingJob => ({
  ...{ runId: 'run', modelId: 'demo', identifier: 'aawxbc', classNoun: 'figurine', photos },
  settings: { ...settings, steps: 12, ...change },
});

/** One browser: its stores stay, sessions come and go. `breaks`: what goes wrong on the n-th engine. */
function browser(breaks: ToyOptions[] = [], decodeMs = 0, refusal?: Error) {
  const model = { version: 'first' };
  const made = { now: null as EngineMade | null, asked: [] as (EngineMade | undefined)[] };
  const stores = { runs: memoryRuns(), adapters: memoryAdapters(), previews: memoryPreviews() };
  const { canvas, count } = toyCanvas(decodeMs, refusal);
  let engines = 0;
  const session = (
    job: TrainingJob,
    also: { base?: () => BaseModel; onEngine?: () => void; cutWords?: (caption: string) => number } = {},
  ) => {
    const events: TrainEvent[] = [];
    const controls = runControls();
    const needs = {
      ...{
        ...stores,
        ...also,
        canvas,
        modules: [{ name: 'toy', inFeatures: 10, outFeatures: 10 }],
        modelVersion: model.version,
      },
      engines: {
        async forTraining(s: TrainingSettings, like?: EngineMade) {
          also.onEngine?.();
          made.asked.push(like);
          const { unet } = toyUnet(learningRates(s), breaks[engines++]);
          return noticingLoss(made.now ? { ...unet, made: made.now } : unet);
        },
      },
      async readPixels({ file }: { file: Blob }) {
        const n = Number(await file.text());
        return Float32Array.from({ length: 3 * 16 * 16 }, (_, i) => Math.sin(n * (i + 1)));
      },
    };
    const run = runSession(needs, job, controls, (event) => events.push(event));
    return { run, controls, events };
  };
  return { ...stores, session, count, canvas, model, made };
}

const classPictures = [5, 6].map((n) => ({ name: `class-${n}.png`, file: new Blob([String(n)]) }));

describe('a run', () => {
  it('prepares, trains, keeps and tells', async () => {
    const { session, runs, adapters, previews, count } = browser();
    const { run, events } = session(jobOf());
    const summary = await run.train();
    expect(summary).toMatchObject({ step: 12, state: 'done', moments: [5, 10, 12], heldOutOn: 'kept-aside' });
    expect(summary.gpuBytes.total).toBe(10);
    expect(summary.losses.length).toBe(12);
    expect(summary.heldOut.map((h) => h.step)).toEqual([0, 5, 10, 12]);
    expect(await runs.list()).toEqual([summary]);
    const [adapter] = await adapters.list();
    expect(adapter).toMatchObject({ adapterId: 'run', name: 'aawxbc-figurine', moments: [5, 10, 12], rank: 4 });
    expect(adapter!.bestStep).toBe(summary.bestStep);
    for (const step of summary.moments) expect(await adapters.moment('run', step)).not.toBe(null);
    expect((await previews.list('run')).map((p) => p.step)).toEqual([0, 5, 10, 12]);
    const phases = events.flatMap((e) => (e.kind === 'progress' ? [e.progress.phase] : []));
    expect([...new Set(phases)]).toEqual([
      ...['reading-photos', 'encoding-text', 'encoding-photos', 'preparing-gpu', 'measuring', 'drawing'],
    ]);
    expect(events.find((e) => e.kind === 'planned')).toMatchObject({
      dispatchesPerStep: 6,
      adapterBytes: 2 * (80 + 1),
    });
    // Name sentence, the same with a background, empty prompt, one caption: the other three photos share the name sentence. Previews encode nothing more.
    expect(count.prompts).toBe(4);
    expect(count.opened).toBe(1); // closed before training
    expect([count.decoded, count.rested]).toEqual([4, 5]); // the VAE rests after the photos and after each preview
  });

  it('says whether the name was trained: only what a caption that is learned from says, as far as it is read', async () => {
    const trained = async (captions: string[], cutWords = 0, change: Partial<TrainingSettings> = {}) => {
      const job = {
        ...jobOf({ keptAside: 0, ...change }),
        photos: photos.map((p, i) => ({ ...p, caption: captions[i] ?? 'x' })),
      };
      return (
        await browser()
          .session(job, { cutWords: () => cutWords })
          .run.train()
      ).nameTrained;
    };
    expect((await browser().session(jobOf()).run.train()).nameTrained).toBe(true); // the name sentence
    expect(await trained(['a drawing', 'a toy'])).toBe(false);
    expect(await trained(['a drawing', 'an AAWXBC figurine on a rock'])).toBe(true);
    expect(await trained(['a rock, aawxbc figurine'], 2)).toBe(false); // cut off
    expect(await trained(['x', 'x', 'x', 'aawxbc figurine'])).toBe(true);
    expect(await trained(['x', 'x', 'x', 'aawxbc figurine'], 0, { keptAside: 1 })).toBe(false); // kept aside
  }, 60_000);

  it('keeps with its adapter the model it is trained on, as known once an engine is made', async () => {
    const { session, adapters } = browser();
    let predictionType: 'v_prediction' | null = null; // a Stable Diffusion 2 is asked with its first engine
    const base = () => ({ name: 'dreamy', family: 'sd2' as const, predictionType });
    const onEngine = () => {
      predictionType = 'v_prediction';
    };
    const { run } = session(jobOf(), { base, onEngine });
    await run.train();
    expect((await adapters.list())[0]!.base).toEqual({ name: 'dreamy', family: 'sd2', predictionType: 'v_prediction' });
  });

  it('measures on exactly what its evidence says', async () => {
    const { run } = browser().session(jobOf());
    expect(run.evidence()).toBe(null);
    await run.train();
    const file = await readSafetensors(run.evidence()!, 'held-out.safetensors');
    expect(file.shape('pixels')).toEqual([1, 3, 16, 16]); // the one photo kept aside: the last
    expect((await file.float32('pixels'))[0]).toBeCloseTo(Math.sin(4), 6);
    expect((await file.float32('latents'))[1]).toBeCloseTo(Math.sin(8) * 0.5, 6);
    expect(file.metadata.prompt).toBe('a photo of aawxbc figurine');
  });

  it('goes on after a reload as if nothing had been', async () => {
    const quiet = browser();
    const expected = await quiet.session(jobOf({ steps: 20 })).run.train();
    const reloaded = browser();
    const first = reloaded.session(jobOf({ steps: 20 }));
    await new Promise<void>((resolve) => {
      // The tab goes away after step 10 was saved: nothing of that session runs on.
      const { push } = first.events;
      first.events.push = (...e) => {
        if (e.some((x) => x.kind === 'saved' && x.step === 10)) {
          resolve();
          throw new Error('the tab is closed');
        }
        return push.apply(first.events, e);
      };
      first.run.train().catch(() => {});
    });
    const [left] = await reloaded.runs.list();
    expect(left).toMatchObject({ step: 10 });
    const second = reloaded.session(jobOf({ steps: 20 }));
    const summary = await second.run.train();
    const { startedAt: _a, msPerStep: _b, ...same } = summary;
    expect(expected).toMatchObject(same);
    expect(await reloaded.adapters.moment('run', 20)).toEqual(await quiet.adapters.moment('run', 20));
  });

  it('goes on with the kernels that it began with, and says where card, browser or kernels are others: then it is not bitwise', async () => {
    const { session, made, runs } = browser();
    const first = {
      ...{ card: 'a', browser: 'b', shaders: 's' },
      kernels: { software: false, maxDispatchFlops: 1e9 },
    };
    made.now = first;
    await session(jobOf({ steps: 5 })).run.train();
    expect((await runs.list())[0]).toMatchObject({ made: first, darkroom: expect.stringMatching(/^\d/) });
    const told = async (steps: number) => {
      const { run, events } = session(jobOf({ steps }));
      await run.train();
      return events.filter(({ kind }) => kind === 'not-bitwise');
    };
    expect(await told(6)).toEqual([]);
    made.now = { ...first, shaders: 'other', card: 'c' };
    expect(await told(7)).toEqual([{ kind: 'not-bitwise', changed: ['card', 'shaders'] }]);
    expect(await told(8)).toEqual([]); // from then on it is that one's
    expect(made.asked).toEqual([undefined, first, first, made.now]);
  });

  it('of a model that was replaced since goes on, and with its adapter still names the weights it began with', async () => {
    const { session, runs, adapters, model } = browser();
    await session(jobOf({ steps: 5 })).run.train();
    model.version = 'second';
    const summary = await session(jobOf()).run.train();
    expect(summary).toMatchObject({ step: 12, state: 'done', modelVersion: 'first' });
    const wholly = await session({ ...jobOf(), runId: 'another' }).run.train();
    expect(wholly.modelVersion).toBe('second');
    expect(new Map((await runs.list()).map((run) => [run.runId, run.modelVersion]))).toEqual(
      new Map(Object.entries({ run: 'first', another: 'second' })),
    );
    const listed = await adapterShelf(adapters).list();
    expect(new Map(listed.map((one) => [one.adapterId, one.modelVersion]))).toEqual(
      new Map(Object.entries({ run: 'first', another: 'second' })),
    );
  });

  it('survives a lost GPU and ends in the same adapter', async () => {
    const quiet = browser();
    await quiet.session(jobOf()).run.train();
    const shaken = browser([{ steps: (n) => (n === 8 ? 'lose' : undefined) }]);
    const { run, events } = shaken.session(jobOf());
    await run.train();
    expect(events).toContainEqual({ kind: 'device-lost', step: 5 });
    expect(await shaken.adapters.moment('run', 12)).toEqual(await quiet.adapters.moment('run', 12));
  });

  it('shows sketches where a picture would take long to decode, and keeps what they can be developed from', async () => {
    const { session, previews, count } = browser([], 2001);
    await session(jobOf()).run.train();
    const kept = await previews.list('run');
    expect(kept.map((p) => [p.step, p.picture.kind, p.picture.width])).toEqual(
      [0, 5, 10, 12].map((step) => [step, 'sketch', 2]),
    );
    for (const { step } of kept) expect((await previews.latents('run', step))!.length).toBe(16);
    expect(count.decoded).toBe(0);
  });

  it('shows sketches where the decoder finds no memory, and trains on', async () => {
    const refusal = new Trouble('out-of-memory', { neededBytes: 2, gotBytes: 1, fits: null });
    const { session, previews } = browser([], 0, refusal);
    expect(await session(jobOf()).run.train()).toMatchObject({ step: 12, state: 'done' });
    expect((await previews.list('run')).every((p) => p.picture.kind === 'sketch')).toBe(true);
    expect((await previews.latents('run', 5))!.length).toBe(16);
  });

  it('shows whole pictures where they are quick, and keeps no latents', async () => {
    const { session, previews } = browser();
    await session(jobOf()).run.train();
    expect((await previews.list('run')).every((p) => p.picture.kind === 'full' && p.picture.width === 16)).toBe(true);
    expect(await previews.latents('run', 5)).toBe(null);
  });

  it('remembers how long things took', async () => {
    const { session, canvas } = browser();
    await session(jobOf()).run.train();
    for (const kind of ['step', 'preview'] as const)
      expect(await canvas.timings.known({ kind, settings: { ...settings, previewSteps: 2 } })).toBeGreaterThan(0);
    for (const kind of ['encode', 'decode'] as const)
      expect(await canvas.timings.known({ kind, size: 16 })).toBeGreaterThan(0);
    expect(await canvas.timings.known({ kind: 'decode', size: 32 })).toBe(null);
  });

  it('gives other seeds other adapters', async () => {
    const [one, two] = [browser(), browser()];
    await one.session(jobOf({ seed: 1 })).run.train();
    await two.session(jobOf({ seed: 2 })).run.train();
    expect(await one.adapters.moment('run', 12)).not.toEqual(await two.adapters.moment('run', 12));
  });
});

describe('trouble', () => {
  it('leaves a run whose numbers ran away stopped at the last good step', async () => {
    const { session, runs, adapters } = browser([{ steps: (n) => (n === 11 ? 'nan' : undefined) }]);
    await expect(session(jobOf({ steps: 40 })).run.train()).rejects.toMatchObject({ code: 'numbers-ran-away' });
    expect((await runs.list())[0]).toMatchObject({ state: 'stopped', step: 10, moments: [5, 10] });
    expect((await adapters.list())[0]!.moments).toEqual([5, 10]);
  });

  it('leaves a run that lost the GPU four times after one save paused', async () => {
    const losing = (at: number) => ({ steps: (n: number) => (n === at ? ('lose' as const) : undefined) });
    const { session, runs } = browser([losing(7), losing(2), losing(2), losing(2)]);
    await expect(session(jobOf({ steps: 40 })).run.train()).rejects.toMatchObject({ code: 'device-lost' });
    expect((await runs.list())[0]).toMatchObject({ state: 'paused' });
  });

  it('does not go on with another rank, seed or set of photos', async () => {
    const { session } = browser();
    await session(jobOf()).run.train();
    await expect(session(jobOf({ resolution: 32 })).run.train()).rejects.toMatchObject({
      facts: { setting: 'resolution', expected: '16', got: '32' },
    });
    for (const change of [{ rank: 8 }, { seed: 8 }])
      await expect(session(jobOf(change)).run.train()).rejects.toMatchObject({ code: 'bad-setting' });
    const fewer = { ...jobOf(), photos: photos.slice(1) };
    await expect(session(fewer).run.train()).rejects.toMatchObject({
      ...{ code: 'other-photos', facts: { began: 4, here: 3 } },
    });
    expect((await session(jobOf({ steps: 15, learningRate: 0.01 })).run.train()).step).toBe(15);
  });

  it('prepares what its options ask for: views, tags in other orders, class pictures with a sentence of their own', async () => {
    const { canvas, count } = browser();
    const asked = { crops: 3, mirror: 'on', tagOrders: 2, keptTags: 1, classPictures: 2 } as const;
    const job = { ...jobOf(asked), classPictures };
    const tagged = { ...job, photos: photos.map((p) => ({ ...p, caption: 'aawxbc figurine, red, small' })) };
    const crops: number[] = [];
    const { set } = await prepareRun(
      canvas,
      tagged,
      () => false,
      () => {},
      async ({ file, crop }) => {
        if ('across' in crop) crops.push(crop.across);
        return new Float32Array(3 * 16 * 16).fill(Number(await file.text()));
      },
    );
    expect(set.photos.map(({ views, wordings }) => [views?.length, wordings?.length])).toEqual(Array(3).fill([6, 2]));
    expect(set.keptAside.map(({ views }) => views)).toEqual([undefined]); // measured as it is
    expect(new Set(crops).size).toBe(9);
    expect(set.classPictures!.map(({ name }) => name)).toEqual(['class-5.png', 'class-6.png']);
    const [said] = set.classPictures!.map(({ encoderHiddenStates }) => encoderHiddenStates);
    expect(said).not.toEqual(set.instancePrompt);
    expect(set.emptyPrompt).not.toEqual(said);
    expect(count.opened).toBe(1);
  });

  it('stops while preparing, before anything is stored', async () => {
    const { session, runs } = browser();
    const { run, controls } = session(jobOf());
    controls.stop();
    await expect(run.train()).rejects.toMatchObject({ name: 'AbortError' });
    expect(await runs.list()).toEqual([]);
  });

  it.each([
    ['no-photos', { photos: [] }],
    ['no-identifier', { identifier: ' ' }],
    ['no-class-noun', { classNoun: '' }],
    ['bad-setting', { settings: { ...settings, rank: 0 } }],
    ['bad-setting', { settings: { ...settings, learningRate: Number.NaN } }],
    ['bad-setting', { settings: { ...settings, resolution: 24 } }],
    ['bad-setting', { settings: { ...settings, weights: 'f8' as 'f16' } }],
    ['bad-setting', { settings: { ...settings, rank: 49 } }], // the narrowest layer has 48
    ['bad-setting', { settings: { ...settings, learningRate: 0 } }],
    ['bad-setting', { settings: { ...settings, learningRate: 7 } }],
    ['bad-setting', { settings: { ...settings, schedule: 'polynomial' as const, learningRate: 1e-7 } }],
    ['bad-setting', { settings: { ...settings, schedule: 'step' as 'constant' } }],
    ['bad-setting', { settings: { ...settings, optimizer: 'lion' as 'adamw' } }],
    ['bad-setting', { settings: { ...settings, captionDropout: Number.NaN } }],
    ['few-class-pictures', { settings: { ...settings, classPictures: 2 }, classPictures: classPictures.slice(0, 1) }],
    ['few-class-pictures', { settings: { ...settings, classPictures: 2 } }],
    [
      'class-prompt',
      { settings: { ...settings, classPictures: 2, classPrompt: 'A photo of  aawxbc figurine' }, classPictures },
    ],
  ])('refuses %s: %o', (code, change) => {
    let thrown: unknown;
    try {
      checkJob({ ...jobOf(), ...change }, [16], [{ name: 'toy', inFeatures: 48, outFeatures: 64 }]);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Trouble);
    expect(thrown).toMatchObject({ code });
  });
});
