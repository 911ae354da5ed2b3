// A run and its photos: it goes on with those it began with, whatever the page's have become, and says so; what it cannot find is named, with a way on.
import { describe, expect, it, vi } from 'vitest';
import { runPhotoStore } from '../../src/storage/run-photos.ts';
import type { StoredRun } from '../../src/storage/run-store.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import type { TrainingJob } from '../../src/training/job.ts';
import type { RunSummary } from '../../src/training/run-summary.ts';
import { withOwnPhotos } from '../../src/worker/own-photos.ts';
import { takePhoto } from '../../src/worker/take-photo.ts';
import { emptyDatabase } from '../storage/small-model.ts';
import { settings } from '../training/toy-run.ts';
import { memoryRuns } from './memory-stores.ts';

type JobPhoto = TrainingJob['photos'][number];
const photo = (name: string, change: Partial<JobPhoto> = {}): JobPhoto => ({
  ...{ id: `id ${name}`, name: `${name}.png`, file: new Blob([name]), crop: { x: 0.5, y: 0.5, size: 1 }, caption: '' },
  ...change,
});
const unreadable = (): Blob => {
  const blob = new Blob(['x']);
  blob.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
  return blob;
};
const summary = { runId: 'run' } as RunSummary;

function browser() {
  const db = emptyDatabase();
  const stores = { runs: memoryRuns(), runPhotos: runPhotoStore(db) };
  /** What training was given, and what was told. `ends`: 'saved' is a reload after a save. */
  async function train(photos: JobPhoto[], ends: 'done' | 'saved' | 'never saved' = 'saved') {
    const events: TrainEvent[] = [];
    const job = { runId: 'run', modelId: 'demo', identifier: 'a', classNoun: 'b', settings, photos };
    let given: JobPhoto[] = [];
    const work = async (own: TrainingJob) => {
      given = own.photos;
      if (ends !== 'never saved') await stores.runs.save({ summary, photos: given.length } as StoredRun);
      if (ends !== 'done') throw new Error('the tab is closed');
      return summary;
    };
    const error = await withOwnPhotos(stores, job, (event) => events.push(event), work).catch((e: Error) => e);
    const seen = await Promise.all(given.map(async ({ file, caption }) => `${await file.text()}${caption}`));
    const trouble = error instanceof Error && error.message !== 'the tab is closed' ? error : null;
    return { seen, told: events, trouble };
  }
  return { db, ...stores, train };
}

describe('a run that goes on', () => {
  it('says nothing when the photos are the same, dropped again or not', async () => {
    const { train } = browser();
    expect((await train([photo('A'), photo('B')])).told).toEqual([]);
    const again = await train([photo('A', { id: 'dropped again' }), photo('B')]);
    expect(again).toEqual({ seen: ['A', 'B'], told: [], trouble: null });
  });

  it('says nothing when a photo’s handle died and its record lives: nothing has changed', async () => {
    const { train } = browser();
    await train([photo('A'), photo('B')]);
    const again = await train([photo('A'), photo('B', { file: unreadable() })]);
    expect(again).toEqual({ seen: ['A', 'B'], told: [], trouble: null });
  });

  it.each([
    ['a removed photo', [photo('A')]],
    ['no photo at all', []],
    ['another photo in its place, of the same count', [photo('A'), photo('G')]],
    ['another crop', [photo('A'), photo('B', { crop: { x: 0.5, y: 0.5, size: 0.9 } })]],
    ['another caption', [photo('A'), photo('B', { caption: ' on a rock' })]],
    ['another order', [photo('B'), photo('A')]],
    ['one that cannot be read any more', [photo('A'), photo('B', { id: 'stored nowhere', file: unreadable() })]],
  ])(
    'goes on with its own photos after %s, and says so (was: refused, or another run without a word)',
    async (_, now) => {
      const { train } = browser();
      await train([photo('A'), photo('B')]);
      expect(await train(now)).toEqual({ seen: ['A', 'B'], told: [{ kind: 'own-photos', photos: 2 }], trouble: null });
    },
  );

  it('finds its photos among the page’s once it is done and its own copies went', async () => {
    const { train, db } = browser();
    await train([photo('A'), photo('B')], 'done');
    expect(await db.keysUnder(['photo'])).toEqual([]); // no project lists them here
    expect(await train([photo('B', { id: 'x' }), photo('A'), photo('C')])).toMatchObject({
      ...{ seen: ['A', 'B'], told: [{ kind: 'own-photos' }], trouble: null },
    });
  });

  it('takes one whose kept bytes are others by now from the page; without it there, it is named', async () => {
    const { train, db } = browser();
    await train([photo('A'), photo('B')]);
    await db.write({ put: [[['photo', 'id B'], { file: new Blob(['b']), keptAt: 1 }]] });
    expect((await train([photo('A'), photo('B', { id: 'dropped again' })])).seen).toEqual(['A', 'B']);
    const { trouble } = await train([photo('A')]);
    expect(trouble).toMatchObject({ code: 'other-photos', facts: { began: 2, here: 1, missing: ['B.png'] } });
  });

  it('names the photos that are nowhere any more', async () => {
    const { train } = browser();
    await train([photo('A'), photo('B')], 'done');
    const { seen, trouble } = await train([photo('A'), photo('G')]);
    expect(seen).toEqual([]);
    expect(trouble).toMatchObject({ code: 'other-photos', facts: { began: 2, here: 1, missing: ['B.png'] } });
  });

  it('of an earlier version goes on with as many photos as it had, and keeps them from then on', async () => {
    const { train, runs } = browser();
    await runs.save({ summary, photos: 2 } as StoredRun);
    const { trouble } = await train([photo('A')]);
    expect(trouble).toMatchObject({ code: 'other-photos', facts: { began: 2, here: 1, missing: [] } });
    expect((await train([photo('A'), photo('B')])).seen).toEqual(['A', 'B']);
    expect((await train([photo('A')])).seen).toEqual(['A', 'B']);
  });
});

describe('a run that begins', () => {
  it('that was never saved leaves no photos behind', async () => {
    const { train, db } = browser();
    await train([photo('A')], 'never saved');
    expect([...(await db.keysUnder(['photo'])), ...(await db.keysUnder(['run']))]).toEqual([]);
  });

  it('names the photo that cannot be read (was: a bug report)', async () => {
    const { train } = browser();
    const { trouble } = await train([photo('A'), photo('B', { file: unreadable() })]);
    const facts = { file: 'B.png', reason: 'lost', id: 'id B' };
    expect(trouble).toMatchObject({ code: 'photo-unreadable', facts });
  });

  it('on a full disk it is trained all the same', async () => {
    const { train, runPhotos } = browser();
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    expect(await train([photo('A')])).toMatchObject({ seen: ['A'], trouble: null });
    put.mockRestore();
    expect(await runPhotos.load('run')).toBe(null);
  });
});

describe('a dropped file', () => {
  const never = new AbortController().signal;
  const reading = { width: 2, height: 2, thumbnail: new Blob(['t']), fingerprint: '', flags: [] };
  const dropped = (file: Blob) => ({ id: 'p', name: 'p0.png', file });

  it('is read once; from then on it may change, move or go', async () => {
    let reads = 0;
    const file = new Blob(['the bytes']);
    const bytes = file.arrayBuffer.bind(file);
    file.arrayBuffer = () => (reads++ === 0 ? bytes() : Promise.reject(new DOMException('edited', 'NotReadableError')));
    const stored = new Map<string, Blob>();
    const keep = async (id: string, blobs: { file: Blob }) => {
      stored.set(id, blobs.file);
      return blobs.file;
    };
    const read = async (_: string, copy: Blob) => {
      expect(await copy.text()).toBe('the bytes');
      return reading;
    };
    const taken = await takePhoto({ keep }, never, dropped(file), [], 128, { read });
    expect(await taken.file.text()).toBe('the bytes');
    expect(taken.file).toBe(stored.get('p'));
    expect(taken.file).not.toBe(file);
  });

  it('that is gone before it was read is told as that, and nothing is kept', async () => {
    const keep = vi.fn();
    const read = async () => reading;
    await expect(takePhoto({ keep }, never, dropped(unreadable()), [], 128, { read })).rejects.toMatchObject({
      ...{ code: 'photo-unreadable', facts: { file: 'p0.png', reason: 'gone' } },
    });
    expect(keep).not.toHaveBeenCalled();
  });
});
