// A run's two saves with a byte flipped in any part of them: it goes on from the older one, or says why it cannot; other runs are untouched.
import { describe, expect, it } from 'vitest';
import { adapterStore } from '../../src/storage/adapter-store.ts';
import { checksum } from '../../src/storage/checksum.ts';
import type { Database, Key } from '../../src/storage/database.ts';
import { runStore, type StoredRun } from '../../src/storage/run-store.ts';
import type { RunSummary } from '../../src/training/run-summary.ts';
import { newHistory } from '../../src/training/snapshot.ts';
import { emptyDatabase } from './small-model.ts';

const run = (runId: string, step: number): StoredRun => {
  const flat = () => Float32Array.from({ length: 64 }, (_, i) => step + i);
  const state = { lora: flat(), firstMoment: flat(), secondMoment: flat(), stepState: flat() };
  return {
    summary: { runId, step, startedAt: 1, losses: [0.5, 0.25], settings: { seed: 7 } } as unknown as RunSummary,
    snapshot: { ...newHistory(), step, losses: [0.5, 0.25], state: { ...state, moments: Uint32Array.of(1, 2, 3) } },
    photos: 7,
  };
};

/** Every place in a stored value where a bit can be flipped, as a change of the value. */
function* places(value: unknown): Generator<() => void> {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    for (const at of [0, bytes.length >> 1, bytes.length - 1])
      yield () => {
        bytes[at]! ^= 1;
      };
  } else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) {
      const fields = value as Record<string, unknown>;
      if (typeof one === 'number')
        yield () => {
          fields[key] = one + 1;
        };
      else if (typeof one === 'string')
        yield () => {
          fields[key] = `${String.fromCharCode(one.charCodeAt(0) ^ 1)}${one.slice(1)}`;
        };
      else yield* places(one);
    }
}

/** Two saves of a run and one of another, and the database they lie in. */
async function saved() {
  const db = emptyDatabase();
  const store = runStore(db);
  for (const one of [run('a', 50), run('b', 10), run('a', 100)]) await store.save(one);
  return { db, store };
}
/** Flips the n-th bit of what lies there; false where there are fewer. */
async function damage(db: Database, key: Key, n: number): Promise<boolean> {
  const value = await db.get<unknown>(key);
  const flip = [...places(value)][n];
  flip?.();
  await db.write({ put: [[key, value]] });
  return flip !== undefined;
}
const [NEWER, OLDER]: [Key, Key] = [
  ['snapshot-2', 'a'],
  ['snapshot', 'a'],
];

describe('a damaged save', () => {
  it('goes on from the older one, wherever the newer is damaged; the next save leaves that one whole', async () => {
    let flipped = 0;
    for (; ; flipped++) {
      const { db, store } = await saved();
      if (!(await damage(db, NEWER, flipped))) break;
      expect(await store.load('a')).toEqual({ ...run('a', 50), damagedStep: 100 });
      expect(await store.load('b')).toEqual(run('b', 10));
      await store.save(run('a', 75));
      expect(await store.load('a')).toEqual(run('a', 75));
      expect((await db.get<StoredRun>(OLDER))?.snapshot.step).toBe(50);
    }
    expect(flipped).toBeGreaterThan(25); // every field of the summary, the history and each buffer
  });

  it('says so where both are damaged', async () => {
    const { db, store } = await saved();
    await damage(db, NEWER, 0);
    await damage(db, OLDER, 20);
    await expect(store.load('a')).rejects.toMatchObject({ code: 'run-damaged', facts: { step: 100 } });
    expect(await store.load('b')).toEqual(run('b', 10));
    await store.forget('a');
    expect(await store.load('a')).toBeNull();
  });

  it('is no save of an earlier version, which had no checksum', async () => {
    const db = emptyDatabase();
    const { summary, snapshot, photos } = run('a', 50);
    await db.write({
      put: [
        [['summary', 'a'], summary],
        [['snapshot', 'a'], { snapshot, photos }],
      ],
    });
    const store = runStore(db);
    expect(await store.load('a')).toEqual(run('a', 50));
    await store.save(run('a', 60));
    expect(await store.load('a')).toEqual(run('a', 60));
  });

  it('keeps two at most, and the same step once', async () => {
    const { db, store } = await saved();
    for (const step of [150, 150, 200]) await store.save(run('a', step));
    const steps = await Promise.all([OLDER, NEWER].map(async (key) => (await db.get<StoredRun>(key))!.snapshot.step));
    expect(steps).toEqual([150, 200]);
    expect(await db.keysUnder(['snapshot', 'a'])).toHaveLength(1);
  });
});

it('a saved step of an adapter with a flipped byte says so; its others are whole', async () => {
  const db = emptyDatabase();
  const store = adapterStore(db);
  const weights = (value: number) => new Map([['to_q', { down: Float32Array.of(value), up: Float32Array.of(-value) }]]);
  for (const step of [50, 100]) await store.saveMoment('a', step, weights(step));
  for (const part of ['down', 'up'] as const) {
    const stored = weights(100);
    new Uint8Array(stored.get('to_q')![part].buffer)[2]! ^= 1;
    await db.write({ put: [[['moment', 'a', 100], stored]] });
    await expect(store.moment('a', 100)).rejects.toMatchObject({ code: 'gone', facts: { damaged: true } });
  }
  expect(await store.moment('a', 50)).toEqual(weights(50));
  await store.forget('a');
  expect([...(await db.keysUnder(['moment'])), ...(await db.keysUnder(['checksum']))]).toEqual([]);
});

it('a checksum does not depend on the order of fields, and does on every value', async () => {
  expect(await checksum({ a: 1, b: Float32Array.of(1), c: undefined })).toBe(
    await checksum({ b: Float32Array.of(1), a: 1 }),
  );
  const all = [{ a: 1 }, { a: '1' }, { a: [1] }, { a: [[], 1] }, { b: 1 }, { a: Float32Array.of(1) }, { a: null }, {}];
  expect(new Set(await Promise.all(all.map(checksum))).size).toBe(all.length);
  await expect(checksum({ a: new Blob(['a']) })).rejects.toThrow(/a is a Blob/);
});
