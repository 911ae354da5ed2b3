// A run as the page sees it, from the events that made it.
import { expect, test } from 'vitest';
import { adapterName, promptLine } from '../../src/ui/compare/take-home.ts';
import { presetSettings } from '../../src/ui/train/presets.ts';
import { newRun, share, withEvents } from '../../src/ui/train/run-view.ts';
import type { TrainEvent } from '../../src/worker/api.ts';

const settings = presetSettings('balanced', 7, 'demo', 128);
const step = (at: number, loss = 0.1): TrainEvent => ({
  kind: 'step',
  step: at,
  loss,
  learningRate: 1e-3,
  gradientNorm: 0.5,
  msPerStep: 100,
  msLeft: (300 - at) * 100,
});

test('preparing keeps one count a phase, in order', () => {
  const run = withEvents(newRun('r', settings), [
    { kind: 'progress', progress: { phase: 'encoding-photos', done: 1, total: 7 } },
    { kind: 'progress', progress: { phase: 'encoding-photos', done: 7, total: 7 } },
    { kind: 'progress', progress: { phase: 'preparing-gpu', done: 3, total: 84 } },
  ]);
  expect(run.status).toBe('preparing');
  expect(run.preparing.map((at) => [at.phase, at.done])).toEqual([
    ['encoding-photos', 7],
    ['preparing-gpu', 3],
  ]);
});

test('steps, a pause, and steps again', () => {
  let run = withEvents(newRun('r', settings), [
    step(1, 0.3),
    step(2, 0.2),
    { kind: 'saved', step: 2 },
    { kind: 'paused', step: 2 },
  ]);
  expect(run).toMatchObject({ status: 'paused', step: 2, losses: [0.3, 0.2], savedStep: 2 });
  expect(share(run)).toBeCloseTo(2 / 300);
  run = withEvents(run, [step(3)]);
  expect(run.status).toBe('running');
});

test('a lost device goes back to the saved step, marks it, and trains on', () => {
  const before = withEvents(newRun('r', settings), [
    step(1),
    step(2),
    { kind: 'held-out', step: 2, loss: 0.3, on: 'training' },
    step(3),
  ]);
  const run = withEvents(before, [{ kind: 'device-lost', step: 1 }, { kind: 'resumed', step: 1 }, step(2, 0.7)]);
  expect(run).toMatchObject({ step: 2, losses: [0.1, 0.7], heldOut: [], notches: [1], resets: 1 });
  expect(before.losses).toHaveLength(3);
});

test('graphics held back are said until an engine is there again; a pause meanwhile is one', () => {
  const lost = withEvents(newRun('r', settings), [step(1), { kind: 'device-lost', step: 0 }]);
  let run = withEvents(lost, [{ kind: 'held-back', step: 0 }]);
  expect([run.heldBack, run.status]).toEqual([true, 'running']);
  run = withEvents(run, [{ kind: 'paused', step: 0 }]);
  expect([run.heldBack, run.status]).toEqual([true, 'paused']);
  const gpuBytes = { weights: 1, arena: 1, lora: 1, staging: 1, total: 4 };
  run = withEvents(run, [
    { kind: 'resumed', step: 0 },
    { kind: 'planned', gpuBytes, flopsPerStep: 1, dispatchesPerStep: 1, adapterBytes: 1 },
  ]);
  expect([run.heldBack, run.status]).toEqual([false, 'running']);
});

test('a run taken up by a page that knows nothing of it leaves the unknown steps empty', () => {
  const run = withEvents(newRun('r', settings), [{ kind: 'resumed', step: 3 }, step(4, 0.5)]);
  expect(run.losses).toEqual([Number.NaN, Number.NaN, Number.NaN, 0.5]);
  expect(run.notches).toEqual([3]);
});

test('the same step measured again replaces, others stay ordered', () => {
  const run = withEvents(newRun('r', settings), [
    { kind: 'held-out', step: 0, loss: 0.4, on: 'kept-aside' },
    { kind: 'held-out', step: 100, loss: 0.3, on: 'kept-aside' },
    { kind: 'held-out', step: 50, loss: 0.35, on: 'kept-aside' },
    { kind: 'held-out', step: 100, loss: 0.2, on: 'kept-aside' },
  ]);
  expect(run.heldOut.map((dot) => [dot.step, dot.loss])).toEqual([
    [0, 0.4],
    [50, 0.35],
    [100, 0.2],
  ]);
});

test('names to take home', () => {
  expect(adapterName('aawxbc', 'figurine', null, 300)).toBe('aawxbc-figurine');
  expect(adapterName('aawxbc', 'figurine', 300, 300)).toBe('aawxbc-figurine');
  expect(adapterName('aawxbc', 'toy: red/blue', 400, 300)).toBe('aawxbc-toy-red-blue-s400');
  expect(promptLine('kohya', 'aawxbc-figurine', 0.85, 'aawxbc', 'figurine')).toBe(
    '<lora:aawxbc-figurine:0.85> aawxbc figurine',
  );
  expect(promptLine('kohya', 'a', 1, 'aawxbc', 'figurine')).toBe('<lora:a:1> aawxbc figurine');
  expect(promptLine('diffusers', 'a', 1, 'aawxbc', 'figurine')).toBe('aawxbc figurine');
});
