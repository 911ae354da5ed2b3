// Models and transfers on the fake studio: the licence first, pause and go on, cuts, doubts, checkpoints taken in or refused, deleting; what opens when.
import { expect, test, vi } from 'vitest';
import { Model } from '../../src/ui/state/model.svelte.ts';
import { Models } from '../../src/ui/state/models.svelte.ts';
import { Naming } from '../../src/ui/state/naming.svelte.ts';
import { shareOf, Transfers } from '../../src/ui/state/transfers.svelte.ts';
import { doubt, fullBytes } from './fake-models.ts';
import { type FakeOptions, FakeStudio } from './fake-studio.ts';

async function made(models: FakeOptions['models'] = {}, delayMs = 0) {
  const studio = new FakeStudio({ models, delayMs });
  const known = new Models(studio);
  const model = new Model(studio);
  const arrived = vi.fn((id: string) => void (model.chosen === id && model.open(id)));
  const transfers = new Transfers(studio, known, arrived);
  await known.refresh();
  return { studio, known, model, arrived, transfers };
}
const part = { storedBytes: 1.31e9, state: 'part' as const, asksLicence: false };
const file = (path: string) => ({ path, file: new File(['x'], path) });

test('nothing is fetched before the licence is accepted; then all of it arrives and the chosen model opens', async () => {
  const { studio, known, model, transfers, arrived } = await made();
  expect(known.asksLicence(known.of('sd15')!)).toBe(true);
  expect(await transfers.fetch('sd15')).toBe(false);
  expect(known.of('sd15')?.storedBytes).toBe(0);
  await known.accept('sd15');
  expect(known.asksLicence(known.of('sd15')!)).toBe(false);
  model.choose('sd15');
  expect(studio.calls).not.toContain('openModel sd15');
  expect(await transfers.fetch('sd15')).toBe(true);
  expect(arrived).toHaveBeenCalledExactlyOnceWith('sd15');
  await expect.poll(() => model.info?.id).toBe('sd15');
  expect(known.of('sd15')).toMatchObject({ state: 'complete', storedBytes: fullBytes });
});

test('a pause keeps what arrived, and going on begins there', async () => {
  const { known, transfers, arrived } = await made({ full: { ...part, storedBytes: 0, state: 'absent' } }, 10);
  const fetched = transfers.fetch('sd15');
  await expect.poll(() => transfers.share ?? 0).toBeGreaterThan(0.2);
  expect(await transfers.fetch('sd15')).toBe(false); // one at a time
  await transfers.pause();
  expect(await fetched).toBe(false);
  expect(transfers.current).toBeNull();
  expect(transfers.trouble).toBeNull(); // it was the user's wish
  const kept = known.of('sd15')!.storedBytes;
  expect(kept).toBeGreaterThan(0.1 * fullBytes);
  expect(arrived).not.toHaveBeenCalled();
  const shares: number[] = [];
  const again = transfers.fetch('sd15');
  await expect.poll(() => transfers.share !== null && shares.push(transfers.share)).toBeTruthy();
  expect(shares[0]).toBeGreaterThanOrEqual(kept / fullBytes - 1e-9);
  await transfers.cancel('sd15');
  expect(await again).toBe(false);
  expect(known.of('sd15')).toMatchObject({ state: 'absent', storedBytes: 0 });
});

test('a cut says where it was, and the next fetch ends it', async () => {
  const { transfers, known } = await made({ full: part, cutAt: 0.8 });
  expect(await transfers.fetch('sd15')).toBe(false);
  expect(transfers.trouble).toMatchObject({ modelId: 'sd15', mishap: { code: 'download-cut' } });
  expect(known.isHere('sd15')).toBe(false);
  expect(await transfers.fetch('sd15')).toBe(true);
  expect(transfers.trouble).toBeNull();
});

test.each(['trust', 'fetch again'])('a file with another hash is kept aside: %s', async (way) => {
  const { transfers, known } = await made({ full: part, differs: true });
  expect(await transfers.fetch('sd15')).toBe(false);
  expect(known.of('sd15')).toMatchObject({ state: 'doubted', doubts: [doubt] });
  expect(known.isHere('sd15')).toBe(false);
  if (way === 'trust') await known.trust('sd15');
  else expect(await transfers.fetchAgain('sd15')).toBe(true);
  expect(known.of('sd15')).toMatchObject({ state: 'complete', doubts: [] });
});

test('a checkpoint is taken in, listed and deleted; what is something else is named and leaves nothing', async () => {
  const { transfers, known } = await made();
  const taken = await transfers.take([file('dream/unet/a.safetensors'), file('dream/model_index.json')]);
  expect(taken && known.isHere(taken.id)).toBe(true);
  await transfers.cancel(taken!.id);
  expect(known.of(taken!.id)).toBeNull();
  const before = known.list.length;
  expect(await transfers.take([file('sd_xl_base.safetensors')])).toBeNull();
  expect(transfers.trouble).toMatchObject({ modelId: null, mishap: { code: 'not-a-checkpoint' } });
  expect(known.list).toHaveLength(before);
});

test('what is not here whole does not open, and says how much is missing', async () => {
  const { model } = await made({ full: part });
  expect(await model.open('sd15')).toBe(false);
  expect(model.trouble).toMatchObject({ code: 'model-incomplete', facts: { missingBytes: fullBytes - 1.31e9 } });
});

test('a name waits for the chosen model and opens no other', async () => {
  const { studio, model } = await made({ full: part });
  const naming = new Naming(studio, () => model.opened());
  model.choose('sd15');
  void naming.offer();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(studio.calls.filter((call) => call.startsWith('openModel'))).toEqual([]);
  await model.open('demo');
  await expect.poll(() => naming.name).not.toBe('');
});

test('where the worker cannot say what is stored, the demo model is still offered', async () => {
  const studio = new FakeStudio();
  studio.models = () => Promise.reject(new Error('no database'));
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  const known = new Models(studio);
  await known.refresh();
  expect(known.list.map(({ id }) => id)).toEqual(['demo']);
  expect(known.isHere('demo')).toBe(true);
  expect(known.isHere('sd15')).toBe(false);
  expect(known.trouble?.code).toBe('bug');
  logged.mockRestore();
});

test('the browser is asked to keep the storage before the first byte', async () => {
  const persist = vi.fn(async () => true);
  vi.stubGlobal('navigator', { storage: { persist } });
  const { transfers, studio } = await made({ full: part });
  const fetchModel = vi.spyOn(studio, 'fetchModel');
  await transfers.fetch('sd15');
  expect(persist.mock.invocationCallOrder[0]).toBeLessThan(fetchModel.mock.invocationCallOrder[0]!);
  vi.unstubAllGlobals();
});

test('shares', () => {
  const at = (doneBytes: number, totalBytes: number) =>
    shareOf({ phase: 'fetching', doneBytes, totalBytes, bytesPerSecond: null, msLeft: null, waitingMs: null });
  expect([shareOf(null), at(0, 0), at(1, 4), at(5, 4)]).toEqual([null, null, 0.25, 1]);
});
