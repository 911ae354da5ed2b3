// LoRA files on Compare: one that comes before any model waits for it and opens, another model's waits for that; the last one offered counts.
import { expect, test } from 'vitest';
import { Trouble } from '../../src/trouble.ts';
import { Compare } from '../../src/ui/state/compare.svelte.ts';
import { Model } from '../../src/ui/state/model.svelte.ts';
import type { AdapterInfo } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';

const adapter = (name: string, modelId: string): AdapterInfo => ({
  ...{ adapterId: name, name, identifier: 'aawxbc', classNoun: 'toy', modelId, rank: 4, moments: [0], bestStep: 0 },
  ...{ createdAt: 0, fileBytes: { kohya: 1, diffusers: 1 } },
});
/** Needs the model that the file's name begins with. */
class Shelf extends FakeStudio {
  kept: AdapterInfo[] = [];
  model: string | null = null;
  override async openModel(...args: Parameters<FakeStudio['openModel']>) {
    const info = await super.openModel(...args);
    this.model = args[1];
    return info;
  }
  override async readAdapter(name: string): Promise<AdapterInfo> {
    if (!this.model) throw new Trouble('no-model', { file: name });
    if (!name.startsWith(this.model)) throw new Trouble('adapter-mismatch', { file: name, expected: 'a', got: 'b' });
    const read = adapter(name, this.model);
    this.kept = [...this.kept, read];
    return read;
  }
  override async adapters() {
    return this.kept;
  }
}
function opened() {
  const studio = new Shelf();
  const model = new Model(studio);
  const compare = new Compare(
    studio,
    () => ({ size: 128, weights: 'f16' }),
    () => model.next(),
  );
  return { studio, model, compare };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

test('before any model is open the model is asked for (was a bug report), and the file opens when it is there', async () => {
  const { model, compare } = opened();
  await compare.read(new File([], 'demo.safetensors'));
  expect(compare.trouble).toEqual({ code: 'no-model', facts: { file: 'demo.safetensors' } });
  await model.open('demo');
  await settled();
  expect([compare.trouble, compare.offered, compare.adapter?.name]).toEqual([null, null, 'demo.safetensors']);
});

test('of several files the last one offered waits', async () => {
  const { model, compare } = opened();
  await compare.read(new File([], 'demo-1.safetensors'));
  await compare.read(new File([], 'demo-2.safetensors'));
  await model.open('demo');
  await settled();
  expect(compare.adapters.map(({ name }) => name)).toEqual(['demo-2.safetensors']);
});

test("another model's adapter opens when its model does, and is given up when another adapter is opened", async () => {
  const { studio, model, compare } = opened();
  await model.open('demo');
  await compare.read(new File([], 'other.safetensors'));
  expect(compare.trouble?.code).toBe('adapter-mismatch');
  compare.open(adapter('mine', 'demo'));
  expect([compare.trouble, compare.offered]).toEqual([null, null]);
  studio.model = 'other';
  await model.open('demo');
  await settled();
  expect(compare.adapter?.name).toBe('mine');
});

test('an adapter that was deleted in another tab leaves the screen to the next one', async () => {
  const { studio, compare } = opened();
  studio.kept = [adapter('left', 'demo')];
  compare.open(adapter('deleted', 'demo'));
  await compare.lookAgain();
  expect(compare.adapter?.name).toBe('left');
  studio.kept = [];
  await compare.lookAgain();
  expect(compare.adapter).toBe(null);
});
