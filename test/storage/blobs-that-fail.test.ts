// A Blob of the database that cannot be read: once is no loss (0 bytes fetched again), twice is, of that part alone. In a check, an upload, a photo.
import { describe, expect, it } from 'vitest';
import type { Database, Key } from '../../src/storage/database.ts';
import { photoBytes, runPhotoStore } from '../../src/storage/run-photos.ts';
import { hash, KIB, mirrored, never, UNET } from './library.ts';
import { emptyDatabase } from './small-model.ts';

/** A Blob whose handle is dead: it has its size, and no bytes. */
function dead(blob: Blob, error: DOMException): Blob {
  const it = new Blob([blob]);
  it.arrayBuffer = () => Promise.reject(error);
  it.slice = () => it;
  return it;
}

/** A database of which the Blob under a key, as it is given the next `times` times, cannot be read. */
function failing(db: Database) {
  const bad = new Map<string, { times: number; error: DOMException }>();
  const given = <T>(key: Key, value: T): T => {
    const at = bad.get(JSON.stringify(key));
    const blob = value instanceof Blob ? value : (value as { file?: Blob } | undefined)?.file;
    if (!at || at.times-- <= 0 || !blob) return value;
    const broken = dead(blob, at.error);
    return (value === blob ? broken : { ...value, file: broken }) as T;
  };
  const over: Database = {
    ...db,
    get: async <T>(key: Key) => given(key, await db.get<T>(key)),
    getMany: async <T>(keys: Key[]) => (await db.getMany<T>(keys)).map((value, i) => given(keys[i]!, value)),
  };
  const fails = (key: Key, times: number, name = 'NotFoundError') =>
    bad.set(JSON.stringify(key), { times, error: new DOMException('WebKitBlobResource error 1', name) });
  return { db: over, fails };
}

async function begin() {
  const { db, fails } = failing(emptyDatabase());
  const browser = await mirrored(40_000, { db });
  const sha256 = hash(browser.server.files.get(UNET)!);
  const shard = (index: number): Key => ['shard', sha256, index];
  const askedOfUnet = () => browser.server.asked.filter(({ path }) => path === UNET).map(({ range }) => range);
  return { ...browser, fails, shard, askedOfUnet };
}
const quiet = () => {};
const whole = 32 * KIB;

describe('a check', () => {
  /** All is here, and its sha256 not yet worked out. */
  async function unchecked() {
    const browser = await begin();
    await browser.library.fetch(never, 'sd15', quiet);
    await browser.db.write({
      remove: [
        ['file', hash(browser.server.files.get(UNET)!)],
        ['model', 'sd15'],
      ],
    });
    browser.server.asked.length = 0;
    return browser;
  }

  it('that fails to read a shard once reads its record anew: 0 bytes are fetched again', async () => {
    const { library, fails, shard, askedOfUnet, sd15 } = await unchecked();
    fails(shard(1), 1);
    await library.fetch(never, 'sd15', quiet);
    expect(askedOfUnet()).toEqual([]);
    expect((await sd15()).state).toBe('complete');
  });

  it.each(['NotFoundError', 'NotReadableError'])(
    'that fails twice (%s) drops that shard, which alone is fetched',
    async (name) => {
      const { library, fails, shard, askedOfUnet, sd15 } = await unchecked();
      fails(shard(1), 2, name);
      await library.fetch(never, 'sd15', quiet);
      expect(askedOfUnet()).toEqual([[whole, 2 * whole]]);
      expect((await sd15()).state).toBe('complete');
    },
  );

  it('that fails twice for another reason drops nothing: it is told, and tried again by the user', async () => {
    const { library, fails, shard, askedOfUnet, sd15 } = await unchecked();
    fails(shard(1), 2, 'UnknownError');
    await expect(library.fetch(never, 'sd15', quiet)).rejects.toMatchObject({ code: 'file-unreadable' });
    await library.fetch(never, 'sd15', quiet);
    expect(askedOfUnet()).toEqual([]);
    expect((await sd15()).state).toBe('complete');
  });
});

describe('an upload', () => {
  /** An open model whose handle of a shard dies while it is open. */
  async function opened(dies: (browser: Awaited<ReturnType<typeof begin>>) => void) {
    const browser = await begin();
    await browser.library.fetch(never, 'sd15', quiet);
    browser.server.asked.length = 0;
    dies(browser);
    const folder = await browser.library.open(never, 'sd15', quiet);
    return { ...browser, unet: await folder.tensors(UNET) };
  }

  it('that fails to read a shard once reads its record anew: the tensor is whole, 0 bytes are fetched again', async () => {
    const { unet, server, library, askedOfUnet } = await opened(({ fails, shard }) => fails(shard(2), 1));
    expect(hash(await unet.bytes('weight'))).toBe(hash(server.files.get(UNET)!.slice(-160_000)));
    await library.fetch(never, 'sd15', quiet);
    expect(askedOfUnet()).toEqual([]);
  });

  it('that fails twice says so and drops that shard; once it is fetched, the open model reads on', async () => {
    const { unet, server, library, sd15, askedOfUnet } = await opened(({ fails, shard }) => fails(shard(2), 2));
    await expect(unet.bytes('weight')).rejects.toMatchObject({ code: 'file-unreadable', facts: { file: UNET } });
    expect((await sd15()).state).toBe('part');
    await library.fetch(never, 'sd15', quiet);
    expect(askedOfUnet()).toEqual([[2 * whole, 3 * whole]]);
    expect(hash(await unet.bytes('weight'))).toBe(hash(server.files.get(UNET)!.slice(-160_000)));
  });
});

describe('a photo', () => {
  const photo = (file: Blob) => ({
    ...{ id: 'p', name: 'p.png', file, crop: { x: 0.5, y: 0.5, size: 1 }, caption: '', sha256: '' },
  });
  const gone = new DOMException('gone', 'NotReadableError');
  async function held() {
    const { db, fails } = failing(emptyDatabase());
    const store = runPhotoStore(db);
    await store.hold('run', [photo(new Blob(['bytes']))]);
    return { store, fails };
  }

  it('whose Blob fails once is read from its record', async () => {
    const { store } = await held();
    const { bytes, file } = await photoBytes(photo(dead(new Blob(['bytes']), gone)), store);
    expect(new TextDecoder().decode(bytes)).toBe('bytes');
    expect(await file.text()).toBe('bytes');
  });

  it('that fails twice is lost, by name; nothing of it is fetched or guessed', async () => {
    const { store, fails } = await held();
    fails(['photo', 'p'], 1);
    await expect(photoBytes(photo(dead(new Blob(['bytes']), gone)), store)).rejects.toMatchObject({
      ...{ code: 'photo-unreadable', facts: { file: 'p.png', reason: 'lost', id: 'p' } },
    });
  });
});
