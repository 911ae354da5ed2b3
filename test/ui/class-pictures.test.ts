// Class pictures on the page: the user's own first, the others made; stopped or reloaded, what was made is used and never drawn again.
import { expect, test } from 'vitest';
import { type ClassAsked, ClassPictures } from '../../src/ui/state/class-pictures.svelte.ts';
import type { ClassPicture, DrawRequest } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';

/** Keeps class pictures as the worker does, and counts what is drawn. */
class Studio extends FakeStudio {
  readonly sets = new Map<string, Map<number, ClassPicture>>();
  readonly drawn: DrawRequest[] = [];
  onDraw = (): void => {};
  override async classPictures(set: string) {
    return [...(this.sets.get(set) ?? [])].sort(([a], [b]) => a - b).map(([index, picture]) => ({ index, picture }));
  }
  override async keepClassPicture(set: string, index: number, picture: ClassPicture): Promise<void> {
    this.sets.set(set, (this.sets.get(set) ?? new Map()).set(index, picture));
  }
  override async clearClassPictures(set: string): Promise<void> {
    this.sets.delete(set);
  }
  override async draw(...[signal, request, onProgress]: Parameters<FakeStudio['draw']>) {
    this.drawn.push(request);
    this.onDraw();
    signal.throwIfAborted();
    return super.draw(signal, request, onProgress);
  }
}
const asked: ClassAsked = {
  modelId: 'demo',
  count: 5,
  request: { prompt: 'a photo of toy', seed: 42, size: 128, weights: 'f16', sampler: 'ddim', guidance: 4 },
};
const page = async (studio: Studio, change: Partial<ClassAsked> = {}) => {
  const classes = new ClassPictures(studio, () => ({ ...asked, ...change }));
  await classes.load();
  return classes;
};
const names = (classes: ClassPictures) => classes.all.map(({ name }) => name);

test('made ones are drawn from a seed each, kept, and used again without drawing', async () => {
  const studio = new Studio();
  const classes = await page(studio);
  expect(classes.lacking).toBe(5);
  await classes.make();
  expect(classes.lacking).toBe(0);
  expect(classes.making).toBeNull();
  expect(studio.drawn.map(({ seed, steps, adapterId }) => [seed, steps, adapterId])).toEqual(
    [42, 43, 44, 45, 46].map((seed) => [seed, 25, null]),
  );
  const again = await page(studio);
  expect(names(again)).toEqual(names(classes));
  await again.make();
  expect(studio.drawn.length).toBe(5);
});

test('stopped, what is there is there; going on makes only the missing ones', async () => {
  const studio = new Studio();
  const classes = await page(studio);
  studio.onDraw = () => {
    if (studio.drawn.length === 3) classes.stop();
  };
  await classes.make();
  expect([classes.all.length, classes.lacking, classes.making, classes.trouble]).toEqual([2, 3, null, null]);
  studio.onDraw = () => {};
  const later = await page(studio);
  await later.make();
  expect(later.lacking).toBe(0);
  expect(studio.drawn.map(({ seed }) => seed)).toEqual([42, 43, 44, 44, 45, 46]);
});

test('another sentence, seed, size or model has pictures of its own', async () => {
  const studio = new Studio();
  await (await page(studio)).make();
  for (const change of [
    { modelId: 'sd15' },
    ...[
      { prompt: 'a toy' },
      { seed: 1 },
      { size: 64 },
      { weights: 'int8' as const },
      { guidance: 7.5 },
      { sampler: 'dpm++2m' as const },
    ].map((one) => ({
      request: { ...asked.request, ...one },
    })),
  ])
    expect((await page(studio, change)).lacking).toBe(5);
  expect((await page(studio, { count: 3 })).lacking).toBe(0);
});

test('the user’s own come first, stay after a reload, and go with the others', async () => {
  const studio = new Studio();
  const classes = await page(studio);
  await classes.add([new File(['a'], 'a.png'), new File(['b'], 'b.png')]);
  await classes.make();
  expect(studio.drawn.length).toBe(3);
  expect(names(classes)).toEqual(['a.png', 'b.png', 'class-000.png', 'class-001.png', 'class-002.png']);
  const again = await page(studio);
  expect(names(again)).toEqual(names(classes));
  await again.clear();
  expect([again.lacking, (await page(studio)).lacking]).toEqual([5, 5]);
});
