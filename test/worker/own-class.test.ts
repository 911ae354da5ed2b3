// A run goes on with the class pictures that it began with, whatever the page's have become.
import { expect, test } from 'vitest';
import { classStore } from '../../src/storage/class-store.ts';
import type { TrainingJob } from '../../src/training/job.ts';
import { withOwnClass } from '../../src/worker/own-class.ts';
import { emptyDatabase } from '../storage/small-model.ts';
import { settings } from '../training/toy-run.ts';

const pictures = (...names: string[]) => names.map((name) => ({ name, file: new Blob([name]) }));
const jobOf = (count: number, classPictures: TrainingJob['classPictures']): TrainingJob => ({
  ...{ runId: 'run', modelId: 'demo', identifier: 'aawxbc', classNoun: 'toy', photos: [] },
  ...{ settings: { ...settings, classPictures: count }, ...(classPictures ? { classPictures } : {}) },
});
const names = ({ classPictures }: TrainingJob) => classPictures?.map(({ name }) => name);

test('as many as were asked for are held, and come back', async () => {
  const store = classStore(emptyDatabase());
  expect(names(await withOwnClass(store, jobOf(2, pictures('a', 'b', 'c'))))).toEqual(['a', 'b']);
  expect(names(await withOwnClass(store, jobOf(2, pictures('x', 'y'))))).toEqual(['a', 'b']);
  expect(names(await withOwnClass(store, jobOf(2, undefined)))).toEqual(['a', 'b']);
  const back = (await withOwnClass(store, jobOf(2, undefined))).classPictures!;
  expect(await back[1]!.file.text()).toBe('b');
  await store.forget('run');
  expect(names(await withOwnClass(store, jobOf(2, undefined)))).toEqual([]);
});

test('too few are not held, and a run without any has none', async () => {
  const store = classStore(emptyDatabase());
  expect(names(await withOwnClass(store, jobOf(3, pictures('a'))))).toEqual(['a']);
  expect(await store.ofRun('run')).toBeNull();
  const without = jobOf(0, undefined);
  expect(await withOwnClass(store, without)).toBe(without);
});

test('one whose bytes are others by now is taken from the page, by its bytes; or the run says that it is missing', async () => {
  const store = classStore(emptyDatabase());
  await withOwnClass(store, jobOf(2, pictures('a', 'b')));
  const [a, b] = (await store.ofRun('run'))!;
  await store.hold('run', [a!, { ...b!, file: new Blob(['c']) }]);
  const back = await withOwnClass(store, jobOf(2, pictures('x', 'b')));
  expect(await Promise.all(back.classPictures!.map(({ file }) => file.text()))).toEqual(['a', 'b']);
  await expect(withOwnClass(store, jobOf(2, pictures('x', 'y')))).rejects.toMatchObject({
    ...{ code: 'few-class-pictures', facts: { asked: 2, here: 1 } },
  });
});

test('a set is kept by index and cleared whole', async () => {
  const store = classStore(emptyDatabase());
  const [a, b] = pictures('a', 'b');
  await store.keep('one', 1, b!);
  await store.keep('one', 0, a!);
  await store.keep('two', 0, a!);
  expect((await store.list('one')).map(({ index, picture }) => [index, picture.name])).toEqual([
    [0, 'a'],
    [1, 'b'],
  ]);
  await store.clear('one');
  expect([(await store.list('one')).length, (await store.list('two')).length]).toEqual([0, 1]);
});
