// The project and the photos of runs: what a tab saves, whose bytes are written and put away when, files that cannot be read, records of earlier versions.
import { describe, expect, it, vi } from 'vitest';
import type { Photo } from '../../src/dataset/photo.ts';
import type { Database } from '../../src/storage/database.ts';
import { changeBetween, type Project } from '../../src/storage/project-change.ts';
import { projectStore } from '../../src/storage/project-store.ts';
import { runPhotoStore } from '../../src/storage/run-photos.ts';
import { emptyDatabase } from './small-model.ts';

const photo = (id: string, caption = ''): Photo => ({
  id,
  name: `${id}.jpg`,
  file: new Blob([`file ${id}`]),
  reading: { width: 2, height: 1, thumbnail: new Blob([`thumb ${id}`]), fingerprint: 'ff', flags: [] },
  crop: { x: 0.5, y: 0.5, size: 1 },
  caption,
  use: true,
});
const project = (photos: Photo[], more: Partial<Project> = {}): Project => ({
  ...{ modelId: 'demo', photos, unreadable: [], identifier: 'aawxbc', classNoun: 'toy' },
  ...{ settings: { preset: 'quick' }, runId: null },
  ...more,
});
const empty = { ...project([]), modelId: null, identifier: '', classNoun: '', settings: { preset: '' } };

/** A page that saves whole states, as far as the test is concerned. */
function page(db: Database) {
  const store = projectStore(db);
  let [base, known]: [Project, number] = [empty, 0];
  return {
    ...store,
    async becomes(next: Project) {
      const change = changeBetween(base, next);
      if (!change) return null;
      const saved = await store.save(change, known);
      [base, known] = [saved.project ?? next, saved.revision];
      return saved.project;
    },
  };
}
const bytesHere = async (db: Database) => (await db.keysUnder(['photo'])).map((key) => key[1]);
/** What the browser gives for a file that was edited, moved or unplugged after it was dropped. */
const gone = (): Blob => {
  const blob = new Blob(['not there']);
  blob.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
  return blob;
};

describe('the project', () => {
  it('comes back with its photos; bytes are written once, and go with the photo that was removed', async () => {
    const db = emptyDatabase();
    const tab = page(db);
    expect(await tab.load()).toBeNull();
    await tab.becomes(project([photo('a'), photo('b')]));
    const write = vi.spyOn(IDBObjectStore.prototype, 'put');
    const changed = project([photo('b', 'on grass'), photo('c')]);
    await tab.becomes(changed);
    expect(write.mock.calls.map(([, key]) => key)).toEqual([['photo', 'c'], 'project']);
    write.mockRestore();
    const loaded = (await tab.load())!;
    expect(loaded).toEqual({ ...changed, revision: 2 });
    expect(await loaded.photos[0]!.file.text()).toBe('file b');
    expect(await loaded.photos[1]!.reading.thumbnail.text()).toBe('thumb c');
    expect(await bytesHere(db)).toEqual(['b', 'c']);
  });

  it('photos stand where they were put, an undone removal too', async () => {
    const tab = page(emptyDatabase());
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => photo(id)) as [Photo, Photo, Photo, Photo];
    await tab.becomes(project([b, d]));
    await tab.becomes(project([a, b, c, d]));
    await tab.becomes(project([a, d]));
    await tab.becomes(project([a, b, c, d]));
    expect((await tab.load())!.photos.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('an edit of a photo that another tab has removed is dropped; the tab hears of it', async () => {
    const db = emptyDatabase();
    const [one, two] = [page(db), page(db)];
    const both = project([photo('a'), photo('b')]);
    await one.becomes(both);
    expect((await two.becomes(both))!.photos.length).toBe(2); // it had not heard of them
    await one.becomes(project([photo('b')]));
    const heard = await two.becomes(project([photo('a', 'edited'), photo('b')]));
    expect(heard!.photos.map(({ id }) => id)).toEqual(['b']);
    expect(heard!.revision).toBe(4);
    expect(await bytesHere(db)).toEqual(['b']);
  });

  it('one file that cannot be read is named and keeps no other from being saved (was: no later save succeeded)', async () => {
    const db = emptyDatabase();
    const tab = page(db);
    const heard = await tab.becomes(project([photo('a'), { ...photo('bad'), file: gone() }, photo('c')]));
    const facts = { file: 'bad.jpg', reason: 'lost', id: 'bad' };
    const lost = [{ id: 'bad', name: 'bad.jpg', trouble: { code: 'photo-unreadable', facts } }];
    expect(heard!.photos.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(heard!.unreadable).toEqual(lost);
    await tab.becomes(project([photo('a'), photo('c', 'later')], { unreadable: heard!.unreadable }));
    const reloaded = (await tab.load())!;
    expect(reloaded.photos.map(({ id, caption }) => `${id} ${caption}`)).toEqual(['a ', 'c later']);
    expect(reloaded.unreadable).toEqual(lost);
  });

  it('a photo whose bytes the browser has lost is named at every start until it is taken off (was: gone without a word)', async () => {
    const db = emptyDatabase();
    await page(db).becomes(project([photo('a'), photo('b')]));
    await db.write({ remove: [['photo', 'a']] });
    const loaded = (await page(db).load())!;
    expect(loaded.photos.map(({ id }) => id)).toEqual(['b']);
    expect(loaded.unreadable).toMatchObject([{ id: 'a', name: 'a.jpg', trouble: { facts: { reason: 'lost' } } }]);
    const store = projectStore(db);
    await store.save(changeBetween(loaded, { ...loaded, unreadable: [] })!, loaded.revision);
    expect((await store.load())!.unreadable).toEqual([]);
  });

  it('opens a record of an earlier version, which has neither revision nor unreadable files', async () => {
    const db = emptyDatabase();
    const { file, reading, ...rest } = photo('a');
    const { thumbnail, ...read } = reading;
    const { unreadable: _, ...record } = project([]);
    await db.write({
      put: [
        ['project', { ...record, photos: [{ ...rest, reading: read }] }],
        [['photo', 'a'], { file, thumbnail }],
      ],
    });
    const store = projectStore(db);
    const loaded = (await store.load())!;
    expect(loaded).toEqual({ ...project([photo('a')]), revision: 0 });
    const { revision, project: heard } = await store.save(changeBetween(loaded, { ...loaded, classNoun: 'dog' })!, 0);
    expect([revision, heard]).toEqual([1, null]);
    expect((await store.load())!.photos.length).toBe(1);
  });
});

describe('the photos of a run', () => {
  const job = (ids: string[]) =>
    ids.map((id) => {
      const { name, file, crop, caption } = photo(id);
      return { id, name, file, crop, caption, sha256: `sha of ${id}` };
    });
  const days = (n: number) => n * 24 * 3600 * 1000;

  it('outlive their removal from the project, each once, until the run is done', async () => {
    const db = emptyDatabase();
    const tab = page(db);
    const runs = runPhotoStore(db);
    await tab.becomes(project([photo('a'), photo('b')]));
    const put = vi.spyOn(IDBObjectStore.prototype, 'put');
    await runs.hold('run', job(['a', 'b']));
    expect(put.mock.calls.map(([, key]) => key)).toEqual([['run', 'run']]); // no bytes: they are here
    put.mockRestore();
    await tab.becomes(project([photo('b')]));
    expect(await bytesHere(db)).toEqual(['a', 'b']);
    expect(await (await runs.load('run'))![0]!.file!.text()).toBe('file a');
    await runs.release('run');
    expect(await bytesHere(db)).toEqual(['b']);
    expect((await runs.load('run'))!.map(({ id, file }) => [id, file !== null])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  it('go with a run that is deleted, but not those of the project or of another run', async () => {
    const db = emptyDatabase();
    const runs = runPhotoStore(db);
    await page(db).becomes(project([photo('mine')]));
    await runs.hold('one', job(['mine', 'shared', 'alone']));
    await runs.hold('two', job(['shared']));
    await runs.forget('one');
    expect(await bytesHere(db)).toEqual(['mine', 'shared']);
    expect(await runs.load('one')).toBe(null);
  });

  it('tidying takes bytes that nobody needs and lists of runs that are not there, when they are a day old; never what is just coming in', async () => {
    const db = emptyDatabase();
    const tab = page(db);
    const runs = runPhotoStore(db);
    vi.useFakeTimers({ toFake: ['Date'], now: 0 });
    await tab.keep('left behind', { file: new Blob(['x']), thumbnail: new Blob(['x']) });
    await tab.becomes(project([photo('listed')]));
    await runs.hold('there', job(['of a run']));
    await runs.hold('deleted', job(['of no run']));
    vi.setSystemTime(days(2));
    await tab.keep('coming in', { file: new Blob(['x']), thumbnail: new Blob(['x']) });
    await runs.hold('beginning', job(['of a beginning run']));
    await tab.tidy(['there']);
    expect(await bytesHere(db)).toEqual(['coming in', 'listed', 'of a beginning run', 'of a run']);
    expect(await runs.load('deleted')).toBe(null);
    expect(await runs.load('beginning')).not.toBe(null);
    vi.useRealTimers();
  });
});
