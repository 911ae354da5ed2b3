// Runs, adapters, previews and pictures: what was saved comes back, and a save that fails leaves the one before it whole.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Picture } from '../../src/diffusion/picture.ts';
import type { LoraWeights, TrainingState } from '../../src/gpu/engine-types.ts';
import { adapterStore, type StoredAdapter } from '../../src/storage/adapter-store.ts';
import { roughBytes } from '../../src/storage/database.ts';
import { previewStore } from '../../src/storage/preview-store.ts';
import { runStore, type StoredRun } from '../../src/storage/run-store.ts';
import { askToPersist, checkSpace } from '../../src/storage/space.ts';
import type { RunSummary } from '../../src/training/run-summary.ts';
import { newHistory, type Snapshot } from '../../src/training/snapshot.ts';
import { Trouble } from '../../src/trouble.ts';
import { emptyDatabase } from './small-model.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});
const summary = (runId: string, step: number, startedAt = 0) =>
  ({ runId, step, startedAt, losses: [0.5, 0.25] }) as RunSummary;
const state = (value: number): TrainingState => {
  const flat = () => new Float32Array(8).fill(value);
  return { lora: flat(), firstMoment: flat(), secondMoment: flat(), stepState: flat() };
};
const run = (runId: string, step: number, startedAt = 0): StoredRun => ({
  summary: summary(runId, step, startedAt),
  snapshot: { ...newHistory(), step, state: state(step) },
  photos: 7,
});

describe('runs', () => {
  it('come back as saved, are listed newest first, and are forgotten', async () => {
    const store = runStore(emptyDatabase());
    expect(await store.load('a')).toBeNull();
    await store.save(run('a', 50, 1));
    await store.save(run('b', 10, 2));
    await store.save(run('a', 100, 1));
    expect(await store.load('a')).toEqual(run('a', 100, 1));
    expect((await store.list()).map(({ runId, step }) => [runId, step])).toEqual([
      ['b', 10],
      ['a', 100],
    ]);
    await store.forget('a');
    expect(await store.load('a')).toBeNull();
    expect((await store.list()).map(({ runId }) => runId)).toEqual(['b']);
  });

  it('a save that fails halfway leaves the previous one whole', async () => {
    const store = runStore(emptyDatabase());
    await store.save(run('a', 50));
    // Which save is the newest is written first; the snapshot then cannot be cloned.
    await expect(store.save({ ...run('a', 100), snapshot: (() => {}) as unknown as Snapshot })).rejects.toThrow();
    expect(await store.load('a')).toEqual(run('a', 50));
  });

  it('a full disk says how much was needed and is free, and changes nothing', async () => {
    const store = runStore(emptyDatabase());
    await store.save(run('a', 50));
    vi.stubGlobal('navigator', { storage: { estimate: async () => ({ quota: 1000, usage: 900 }) } });
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore) {
      throw new DOMException('full', 'QuotaExceededError');
    });
    const error: unknown = await store.save(run('a', 100)).catch((e: unknown) => e);
    put.mockRestore();
    expect(error).toBeInstanceOf(Trouble);
    const { code, facts } = error as Trouble<'disk-full'>;
    expect([code, facts.freeBytes]).toEqual(['disk-full', 100]);
    expect(facts.neededBytes).toBeGreaterThanOrEqual(4 * 8 * 4); // four flat buffers of eight f32
    expect(await store.load('a')).toEqual(run('a', 50));
  });
});

describe('adapters', () => {
  const info = (adapterId: string, createdAt: number) => ({ adapterId, createdAt, moments: [100] }) as StoredAdapter;
  const weights = (value: number): LoraWeights =>
    new Map([['m.to_q', { down: Float32Array.of(value), up: Float32Array.of(-value) }]]);

  it('keep the weights of every saved step until they are forgotten', async () => {
    const db = emptyDatabase();
    const store = adapterStore(db);
    await store.saveMoment('a', 100, weights(1));
    await store.saveMoment('a', 200, weights(2));
    await store.saveMoment('aa', 100, weights(3)); // whose id begins like another's
    await store.save(info('a', 1));
    await store.save(info('aa', 2));
    expect(await store.moment('a', 200)).toEqual(weights(2));
    expect(await store.moment('a', 300)).toBeNull();
    expect((await store.list()).map(({ adapterId }) => adapterId)).toEqual(['aa', 'a']);
    await store.forget('a');
    expect(await store.load('a')).toBeNull();
    expect(await store.moment('a', 100)).toBeNull();
    expect(await store.moment('aa', 100)).toEqual(weights(3));
    expect(await db.keysUnder(['moment'])).toHaveLength(1);
  });
});

describe('previews', () => {
  it('come back in the order of their steps', async () => {
    const store = previewStore(emptyDatabase());
    const picture = (ms: number) => ({ png: new Blob(['png']), width: 1, height: 1, ms }) as Picture;
    for (const step of [1000, 50, 200]) await store.save('a', step, picture(step));
    await store.save('b', 1, picture(1));
    expect((await store.list('a')).map(({ step }) => step)).toEqual([50, 200, 1000]);
    expect(await (await store.list('b'))[0]!.picture.png.text()).toBe('png');
    await store.forget('a');
    expect(await store.list('a')).toEqual([]);
  });

  it('a sketch keeps its latents until the developed picture takes its place', async () => {
    const store = previewStore(emptyDatabase());
    const picture = (kind: Picture['kind']) => ({ kind, png: new Blob([kind]) }) as Picture;
    await store.save('a', 50, picture('sketch'), Float32Array.of(1, 2));
    expect(await store.latents('a', 50)).toEqual(Float32Array.of(1, 2));
    await store.save('a', 50, picture('full'));
    expect(await store.latents('a', 50)).toBe(null);
    expect((await store.list('a')).map((p) => p.picture.kind)).toEqual(['full']);
    await store.save('a', 100, picture('sketch'), Float32Array.of(3));
    await store.forget('a');
    expect(await store.latents('a', 100)).toBe(null);
  });
});

describe('space', () => {
  it('a download that cannot fit is refused before it begins', async () => {
    vi.stubGlobal('navigator', { storage: { estimate: async () => ({ quota: 1000, usage: 400 }) } });
    await checkSpace(600);
    await expect(checkSpace(601)).rejects.toMatchObject({
      code: 'disk-full',
      facts: { neededBytes: 601, freeBytes: 600 },
    });
    vi.stubGlobal('navigator', {});
    await checkSpace(1e12); // a browser that does not say is believed to have room
    expect(await askToPersist()).toBe(false);
  });

  it('values are counted by what is large in them', () => {
    expect(roughBytes({ a: new Float32Array(10), b: new Map([['k', new Blob(['123'])]]), c: 'ab' })).toBe(
      40 + 2 + 3 + 4,
    );
    expect(roughBytes(null)).toBe(8);
  });
});
