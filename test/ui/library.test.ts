// The library: adapters with their latest pictures; deleted only after ten seconds without Undo; a new name is kept.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Compare } from '../../src/ui/state/compare.svelte.ts';
import { Library } from '../../src/ui/state/library.svelte.ts';
import type { AdapterInfo, Picture, Shown } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';

const adapter = (adapterId: string): AdapterInfo => ({
  ...{ adapterId, name: adapterId, identifier: 'aawxbc', classNoun: 'toy', modelId: 'demo', rank: 4, moments: [0] },
  ...{ bestStep: 0, createdAt: 0, fileBytes: { kohya: 1, diffusers: 1 } },
});
const picture = (png: Blob, adapterId: string | null): Picture => ({
  ...{ kind: 'full', png, width: 1, height: 1, ms: 1 },
  request: {
    ...{ prompt: '', negativePrompt: '', seed: 1, steps: 1, guidance: 1, adapterId, moment: null, strength: 1 },
    ...{ size: 128, weights: 'f16' },
  },
});
const [first, latest, compared] = ['first', 'latest', 'compared'].map((text) => new Blob([text])) as [Blob, Blob, Blob];

class Shelf extends FakeStudio {
  kept = [adapter('trained'), adapter('read'), adapter('bare')];
  override async adapters() {
    return this.kept;
  }
  override async renameAdapter(adapterId: string, name: string) {
    this.kept = this.kept.map((one) => (one.adapterId === adapterId ? { ...one, name } : one));
  }
  override async deleteAdapter(adapterId: string) {
    this.kept = this.kept.filter((one) => one.adapterId !== adapterId);
  }
  override async runs() {
    return [{ runId: 'r', adapterId: 'trained' }] as Awaited<ReturnType<FakeStudio['runs']>>;
  }
  override async previews() {
    return [
      { step: 0, picture: picture(first, 'trained') },
      { step: 100, picture: picture(latest, 'trained') },
    ] as never[];
  }
  override async shown(): Promise<Shown> {
    const cells = [picture(first, null), picture(compared, 'read')];
    return { modelId: 'demo', cells: cells.map((one) => ({ request: one.request, picture: one })) };
  }
}
async function opened() {
  const studio = new Shelf();
  const compare = new Compare(
    studio,
    () => ({ size: 128, weights: 'f16' }),
    async () => {},
  );
  const library = new Library(studio, compare);
  await library.look();
  return { studio, library };
}
const ids = (library: Library) => library.adapters.map(({ adapterId }) => adapterId).toSorted();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('each has the newest picture that was drawn with it', async () => {
  const { library } = await opened();
  expect(library.pictures.get('trained')).toBe(latest);
  expect(library.pictures.get('read')).toBe(compared);
  expect(library.pictures.has('bare')).toBe(false);
  expect(library.madeWith('demo')).toBe(3);
});

test('a deleted one is gone from the list at once, from the browser after ten seconds, and not at all after Undo', async () => {
  const { studio, library } = await opened();
  const undo = library.remove(library.adapters.find(({ adapterId }) => adapterId === 'read')!);
  library.remove(library.adapters.find(({ adapterId }) => adapterId === 'bare')!);
  expect(ids(library)).toEqual(['trained']);
  undo();
  expect(ids(library)).toEqual(['read', 'trained']);
  await vi.advanceTimersByTimeAsync(9000);
  expect(studio.kept).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(1100);
  expect(studio.kept.map(({ adapterId }) => adapterId)).toEqual(['trained', 'read']);
  expect(ids(library)).toEqual(['read', 'trained']);
});

test('a new name is kept, an empty one is none', async () => {
  const { studio, library } = await opened();
  const [one] = library.adapters;
  await library.rename(one!, '  Bear, second try ');
  expect(library.adapters.map(({ name }) => name)).toContain('Bear, second try');
  await library.rename(library.adapters[0]!, '   ');
  expect(studio.kept.every(({ name }) => name.trim() !== '')).toBe(true);
});
