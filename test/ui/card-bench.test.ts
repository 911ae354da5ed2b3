// The bench's state on the fake studio: progress, text, an end by the user that is no trouble, and a trouble that is told.
import { expect, test } from 'vitest';
import { Trouble } from '../../src/trouble.ts';
import { CardBenching } from '../../src/ui/state/card-bench.svelte.ts';
import { FakeStudio } from './fake-studio.ts';

test('a minute unless the address says otherwise; the text is there at the end', async () => {
  const studio = new FakeStudio();
  const bench = new CardBenching(studio);
  const ended = bench.start();
  expect(bench.progress).toEqual({ phase: 'measuring', done: 0, total: 4 });
  void bench.start(); // under way already
  await ended;
  expect(studio.calls).toEqual(['bench 60000']);
  expect(bench.progress).toBeNull();
  expect(bench.result?.text).toContain('Darkroom bench');
});

test('stopped, it shows neither text nor trouble, and can be begun again', async () => {
  const bench = new CardBenching(new FakeStudio({ delayMs: 5 }));
  const ended = bench.start();
  bench.stop();
  await ended;
  expect([bench.progress, bench.result, bench.trouble]).toEqual([null, null, null]);
  await bench.start();
  expect(bench.result?.secondsAStep).toBe(0.42);
});

test('a run that has the card is told as trouble', async () => {
  const studio = new FakeStudio();
  studio.bench = () => Promise.reject(new Trouble('busy-training', {}));
  const bench = new CardBenching(studio);
  await bench.start();
  expect(bench.trouble?.code).toBe('busy-training');
});
