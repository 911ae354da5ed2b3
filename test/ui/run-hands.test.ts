// Hands on a run: whatever it does or does not do, some button works and leads on.
import { expect, test } from 'vitest';
import { Trouble } from '../../src/trouble.ts';
import { Run, type RunState } from '../../src/ui/state/run.svelte.ts';
import { lessMemory } from '../../src/ui/train/lighter.ts';
import { presetSettings } from '../../src/ui/train/presets.ts';
import { hands } from '../../src/ui/train/run-hands.ts';
import type { RunSummary, TrainEvent, TrainingJob } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';

const settings = presetSettings('balanced', 7, 'demo', 128);
const job: TrainingJob = {
  runId: 'run',
  modelId: 'demo',
  identifier: 'aawxbc',
  classNoun: 'toy',
  photos: [],
  settings,
};
const stored = (step: number): RunSummary => ({
  ...{ runId: 'run', modelId: 'demo', adapterId: 'run', identifier: 'aawxbc', classNoun: 'toy', settings, step },
  ...{ bestStep: step, losses: Array(step).fill(0.1), heldOut: [{ step: 0, loss: 0.2 }], heldOutOn: 'kept-aside' },
  ...{ moments: [], state: 'running', startedAt: 0, msPerStep: 1, flopsPerStep: 1, dispatchesPerStep: 1 },
  gpuBytes: { weights: 0, arena: 0, lora: 0, staging: 0, total: 0 },
});

/** A worker that trains as it is told to here, and otherwise not at all. */
class Puppet extends FakeStudio {
  on: (event: TrainEvent) => void = () => {};
  finish: (summary: RunSummary) => void = () => {};
  fail: (error: unknown) => void = () => {};
  hand: () => Promise<void> = async () => {};
  known: RunSummary[] = [];
  override train(...[, , on]: Parameters<FakeStudio['train']>): Promise<RunSummary> {
    this.on = on as (event: TrainEvent) => void;
    return new Promise((resolve, reject) => {
      [this.finish, this.fail] = [resolve, reject];
    });
  }
  override startAgain(): void {
    this.fail(new DOMException('ended', 'AbortError'));
  }
  override pause = () => this.hand();
  override resume = () => this.hand();
  override stop = () => this.hand();
  override runs = async () => this.known;
}
const told = () => new Promise((flushed) => setTimeout(flushed, 300));
const step = (at: number): TrainEvent => ({
  ...{ kind: 'step', step: at, loss: 1, learningRate: 1, gradientNorm: 1, msPerStep: 1, msLeft: 1 },
});
function begun() {
  const studio = new Puppet();
  const run = new Run(studio);
  const ended = run.start(job);
  return { studio, run, ended };
}

test('every state that a run can be in has a button that works', () => {
  const states: Record<RunState, true> = {
    ...{ idle: true, preparing: true, running: true, pausing: true, paused: true },
    ...{ stopping: true, stopped: true, done: true, failed: true },
  };
  for (const state of Object.keys(states) as RunState[]) expect(hands[state], state).not.toEqual([]);
});

test('a stop that does not come can be ended at once: back at the last saved step, with Continue (it once had no button)', async () => {
  const { studio, run, ended } = begun();
  studio.on(step(1));
  studio.on({ kind: 'saved', step: 1 });
  await told();
  expect(run.state).toBe('running');
  await run.stop();
  expect(run.state).toBe('stopping');
  expect(hands[run.state]).toEqual(['end now']);
  studio.known = [stored(1)];
  await run.endNow();
  await ended;
  expect(run).toMatchObject({ state: 'paused', waiting: true, step: 1, live: false });
});

test('ended at once before anything was saved it is gone, and the settings are there', async () => {
  const { run, ended } = begun();
  expect(run.state).toBe('preparing');
  await run.endNow();
  await ended;
  expect(run).toMatchObject({ state: 'idle', id: null });
});

test('Continue on a disk that is still full: paused again, with Continue (it once showed Pause, which did nothing)', async () => {
  const { studio, run } = begun();
  for (const event of [step(1), { kind: 'not-saved', step: 1, keptStep: 0 }, { kind: 'paused', step: 1 }] as const)
    studio.on(event);
  await told();
  await run.resume();
  expect(run.state).toBe('running');
  studio.on({ kind: 'not-saved', step: 1, keptStep: 0 });
  studio.on({ kind: 'paused', step: 1 });
  await told();
  expect(run.state).toBe('paused');
  expect(hands[run.state]).toContain('go on');
});

test('a button that failed while its worker was ended does not make a run that is done a failed one (it once did)', async () => {
  const { studio, run, ended } = begun();
  studio.on(step(1));
  studio.hand = () => Promise.reject(new Trouble('no-answer', {}));
  await run.pause();
  studio.finish({ ...stored(5), state: 'done' });
  await ended;
  expect(run.state).toBe('done');
});

test('a worker that hung and was replaced: back at the saved step, getting ready, and Stop works', async () => {
  const { studio, run } = begun();
  for (const event of [step(1), step(2), { kind: 'saved', step: 2 }, step(3), { kind: 'no-answer', step: 2 }] as const)
    studio.on(event);
  await told();
  expect(run).toMatchObject({ state: 'preparing', step: 2 });
  expect(run.view).toMatchObject({ hung: true, losses: [1, 1] });
  expect(hands[run.state]).toContain('stop');
  for (const event of [{ kind: 'resumed', step: 2 }, step(3)] as const) studio.on(event);
  await told();
  expect(run).toMatchObject({ state: 'running', step: 3 });
});

test('a preview that came to nothing can be asked for again (the button once waited for ever)', async () => {
  const { run } = begun();
  await run.previewNow();
  expect(run.previewAsked).toBe(false);
});

test('steps that became slow are shown until they are as before', async () => {
  const { studio, run } = begun();
  studio.on({ kind: 'slowed', step: 9, times: 20 });
  await told();
  expect(run.view?.slowed).toEqual({ step: 9, times: 20 });
  studio.on({ kind: 'slowed', step: 30, times: 1 });
  await told();
  expect(run.view?.slowed).toBe(null);
});

test('low-memory mode is the mildest change that takes less by the plan, and none where all are made', async () => {
  const plain = { ...settings, recompute: 'auto', weights: 'f16' } as const;
  const here = async (of: typeof settings, peakOf: (of: typeof settings) => Promise<number>) =>
    (await lessMemory(of, [], peakOf)).here?.changes ?? null;
  expect(await here(plain, async ({ recompute }) => (recompute === 'on' ? 1 : 2))).toEqual({ recompute: 'on' });
  const itWasTheRule = async ({ weights }: typeof settings) => (weights === 'int8' ? 1 : 2);
  expect(await here(plain, itWasTheRule)).toEqual({ weights: 'int8' });
  const both = async ({ recompute, weights }: typeof settings) =>
    weights === 'int8' ? (recompute === 'on' ? 1 : 1.5) : 2;
  expect(await here(plain, both)).toEqual({ recompute: 'on', weights: 'int8' });
  const unknown = async () => Promise.reject(new Error('no model is open'));
  expect(await here(plain, unknown)).toEqual({ recompute: 'on', weights: 'int8' });
  expect(await here({ ...plain, recompute: 'on', weights: 'int8' }, unknown)).toBe(null);
});
