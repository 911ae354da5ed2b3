// The models of a browser: doubted and trusted, licensed, in two tabs, on a full disk, cleared in part, taken in, deleted.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEMO_BYTES } from '../../src/storage/demo-bytes.ts';
import { modelLibrary } from '../../src/storage/model-library.ts';
import { sd15Manifest } from '../../src/storage/sd15.ts';
import type { OnTransfer } from '../../src/storage/transfer-meter.ts';
import { hash, KIB, mirrored, never, ownFolder, UNET } from './library.ts';
import type { OddServer } from './odd-server.ts';
import { emptyDatabase } from './small-model.ts';

const servers: OddServer[] = [];
const begin = async (...how: Parameters<typeof mirrored>) => {
  const all = await mirrored(...how);
  servers.push(all.server);
  return all;
};
afterEach(async () => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
const quiet: OnTransfer = () => {};

/** Web Locks with `ifAvailable`, as several tabs share them. */
function sharedLocks(): LockManager {
  const held = new Map<string, Promise<unknown>>();
  return {
    async request(name: string, { ifAvailable }: LockOptions, work: (lock: Lock | null) => Promise<unknown>) {
      if (held.has(name) && ifAvailable) return work(null);
      while (held.has(name)) await held.get(name)?.catch(() => {});
      const running = work({ name, mode: 'exclusive' });
      held.set(name, running);
      return running.finally(() => held.delete(name));
    },
  } as unknown as LockManager;
}

describe('a model', () => {
  it('is listed before anything is here: Stable Diffusion 1.5 from its pinned commit', async () => {
    const db = emptyDatabase();
    const [demo, sd15] = await modelLibrary('https://page.example/', { db }).list();
    expect(demo).toMatchObject({ id: 'demo', state: 'absent', bytes: DEMO_BYTES, asksLicence: false });
    expect(sd15).toMatchObject({ id: 'sd15', state: 'absent', storedBytes: 0, asksLicence: true, doubts: [] });
    expect(sd15!.source).toBe('huggingface.co/stable-diffusion-v1-5/stable-diffusion-v1-5');
    expect(sd15!.bytes).toBeGreaterThan(2.134e9);
    expect(sd15!.bytes).toBeLessThan(2.135e9);
    for (const { text, bytes, sha256 } of (await sd15Manifest()).files)
      if (text) expect([text.length, hash(new TextEncoder().encode(text))]).toEqual([bytes, sha256]);
  });

  it('of the user is never fetched: a part that is missing is told with its own way on (was a bug report)', async () => {
    const library = modelLibrary('https://page.example/', { db: emptyDatabase() });
    expect(['demo', 'sd15', 'mine'].map(library.canFetch)).toEqual([true, true, false]);
    await expect(library.fetch(never, 'mine', quiet)).rejects.toMatchObject({
      ...{ code: 'model-incomplete', facts: { modelId: 'mine', origin: 'disk' } },
    });
    await expect(library.doubt('mine')).rejects.toMatchObject({ code: 'gone', facts: { what: 'model' } });
  });

  it('is not fetched before its licence was accepted', async () => {
    const { library, sd15, server, open } = await begin(40_000, { db: emptyDatabase() });
    expect((await sd15()).asksLicence).toBe(false);
    const other = open({ db: emptyDatabase() });
    await expect(other.fetch(never, 'sd15', quiet)).rejects.toThrow(/licence/);
    expect(server.asked).toEqual([]);
    await expect(library.open(never, 'sd15', () => {})).rejects.toMatchObject({ code: 'model-incomplete' });
  });

  it('with another hash is kept aside, used when the user says so, or fetched again', async () => {
    const { server, library, sd15, stored } = await begin();
    const good = server.files.get(UNET)!;
    const odd = good.map((byte, i) => (i === 100_000 ? byte ^ 1 : byte));
    server.files.set(UNET, odd);
    const facts = { file: UNET, expected: hash(good), got: hash(odd) };
    await expect(library.fetch(never, 'sd15', quiet)).rejects.toMatchObject({ code: 'hash-differs', facts });
    expect(await sd15()).toMatchObject({ state: 'doubted', doubts: [facts] });
    await expect(library.open(never, 'sd15', () => {})).rejects.toMatchObject({ code: 'model-incomplete' });

    await library.trust('sd15');
    expect(await sd15()).toMatchObject({ state: 'complete', doubts: [] });
    expect(hash((await stored(UNET)) as Uint8Array)).toBe(hash(odd.slice(-160_000)));

    await library.remove('sd15');
    await expect(library.fetch(never, 'sd15', quiet)).rejects.toMatchObject({ code: 'hash-differs' });
    server.files.set(UNET, good);
    await library.doubt('sd15');
    server.asked.length = 0;
    await library.fetch(never, 'sd15', quiet);
    expect(new Set(server.asked.map(({ path }) => path))).toEqual(new Set(['manifest.json', UNET]));
    expect(hash((await stored(UNET)) as Uint8Array)).toBe(hash(good.slice(-160_000)));
  });

  it('is written by one tab at a time', async () => {
    const locks = sharedLocks();
    const { open, server, sd15 } = await begin();
    server.pauseMs = 2;
    const [one, two] = [open({ locks }), open({ locks })];
    const first = one.fetch(never, 'sd15', quiet);
    await vi.waitFor(() => expect(server.asked.length).toBeGreaterThan(2));
    await expect(two.fetch(never, 'sd15', quiet)).rejects.toMatchObject({
      code: 'model-busy',
      facts: { modelId: 'sd15' },
    });
    await expect(two.remove('sd15')).rejects.toMatchObject({ code: 'model-busy' });
    await first;
    await two.fetch(never, 'sd15', quiet);
    expect((await sd15()).state).toBe('complete');
  });

  it('that cannot fit is refused with numbers before its first byte; a disk that fills up keeps what it has', async () => {
    const { library, server, db, sd15 } = await begin();
    vi.stubGlobal('navigator', { storage: { estimate: async () => ({ quota: 1000, usage: 900 }) } });
    await expect(library.fetch(never, 'sd15', quiet)).rejects.toMatchObject({
      code: 'disk-full',
      facts: { freeBytes: 100 },
    });
    expect(server.asked.map(({ path }) => path)).toEqual(['manifest.json']);
    vi.unstubAllGlobals();

    const put = IDBObjectStore.prototype.put;
    const spy = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
      this: IDBObjectStore,
      value,
      key,
    ) {
      if (Array.isArray(key) && key[0] === 'shard' && Number(key[2]) >= 2)
        throw new DOMException('full', 'QuotaExceededError');
      return put.call(this, value, key);
    });
    const failed = await library.fetch(never, 'sd15', quiet).catch((error: unknown) => error);
    spy.mockRestore();
    const { storedBytes, bytes, state } = await sd15();
    expect(failed).toMatchObject({ code: 'disk-full' });
    expect((failed as { facts: { neededBytes: number } }).facts.neededBytes).toBeGreaterThanOrEqual(
      bytes - storedBytes,
    );
    expect([state, storedBytes >= 64 * KIB]).toEqual(['part', true]);
    const here = (await db.keysUnder(['shard'])).length;
    expect(here).toBeGreaterThan(2);
    await library.fetch(never, 'sd15', quiet);
    expect((await sd15()).state).toBe('complete');
  });

  it('of which the browser cleared a shard is noticed; only that is fetched, and the whole is checked again', async () => {
    const { library, server, db, sd15 } = await begin();
    await library.fetch(never, 'sd15', quiet);
    const sha256 = hash(server.files.get(UNET)!);
    await db.write({ remove: [['shard', sha256, 2]] });
    expect((await sd15()).state).toBe('part');
    await expect(library.open(never, 'sd15', () => {})).rejects.toMatchObject({
      code: 'model-incomplete',
      facts: { modelId: 'sd15', missingBytes: 32 * KIB },
    });
    server.asked.length = 0;
    await library.fetch(never, 'sd15', quiet);
    expect(server.asked.filter(({ path }) => path === UNET).map(({ range }) => range)).toEqual([[64 * KIB, 96 * KIB]]);
    expect((await sd15()).state).toBe('complete');
    // Control: were the shard another one, the check would see it.
    await db.write({ remove: [['shard', sha256, 2]] });
    server.files.set(
      UNET,
      server.files.get(UNET)!.map((byte, i) => (i === 70_000 ? byte ^ 1 : byte)),
    );
    await expect(library.fetch(never, 'sd15', quiet)).rejects.toMatchObject({ code: 'hash-differs' });
  });

  it('that is deleted leaves nothing but what another has', async () => {
    const { library, db, sd15 } = await begin();
    await library.fetch(never, 'sd15', quiet);
    const own = await library.takeIn(never, async () => ownFolder(), quiet);
    await library.remove('sd15');
    expect(await sd15()).toMatchObject({ state: 'absent', storedBytes: 0 });
    expect((await library.list()).find(({ id }) => id === own.id)!.state).toBe('complete');
    await library.remove(own.id);
    for (const kind of ['shard', 'part', 'file', 'model', 'wanted', 'taking-in'])
      expect(await db.keysUnder([kind])).toEqual([]);
  });
});

describe('a checkpoint taken in', () => {
  const shardBytes = 1000;
  it('from one file is known by that file’s hashes, as A1111 knows it; from a folder by none', async () => {
    const library = modelLibrary('https://page.example/', { db: emptyDatabase(), shardBytes });
    const bytes = Uint8Array.from({ length: 0x108000 }, (_, i) => (i * 31) % 251); // ends within the 64 kB of the older hash
    const source = new Blob([bytes]);
    const { id } = await library.takeIn(never, async () => ({ ...ownFolder(), source }), quiet);
    const { info } = await library.open(never, id, () => {});
    const legacy = hash(bytes.subarray(0x100000)).slice(0, 8);
    expect(info.hashes).toEqual({ sha256: hash(bytes), legacy });
    const change = (model: Map<string, Uint8Array>) =>
      void model.set('model_index.json', new TextEncoder().encode('{"a": 1}'));
    const other = await library.takeIn(never, async () => ownFolder({ change }), quiet);
    expect((await library.open(never, other.id, () => {})).info.hashes).toBeUndefined();
  });

  it('is stored, listed and opened; twice it is one', async () => {
    const db = emptyDatabase();
    const library = modelLibrary('https://page.example/', { db, shardBytes });
    const heard: number[] = [];
    const own = await library.takeIn(
      never,
      async () => ownFolder(),
      ({ phase, doneBytes }) => {
        expect(phase).toBe('converting');
        heard.push(doneBytes);
      },
    );
    expect(own).toMatchObject({
      name: 'mine.safetensors',
      state: 'complete',
      asksLicence: false,
      storedBytes: own.bytes,
    });
    expect(heard.at(-1)).toBe(own.bytes);
    const before = await db.keysUnder(['shard']);
    expect((await library.takeIn(never, async () => ownFolder(), quiet)).id).toBe(own.id);
    expect(await db.keysUnder(['shard'])).toEqual(before);
    const model = await library.open(never, own.id, () => {});
    expect(model.info).toMatchObject({ id: own.id, name: 'mine.safetensors' });
    expect((await (await model.tensors(UNET)).float32('weight'))[0]).toBe(1 + UNET.length);
  });

  it('that ends early leaves nothing behind, a crash nothing after the next start', async () => {
    const db = emptyDatabase();
    const library = modelLibrary('https://page.example/', { db, shardBytes });
    const stop = new AbortController();
    const aborted = library.takeIn(
      stop.signal,
      async () => ownFolder({ at: 'vae/config.json', by: () => stop.abort() }),
      quiet,
    );
    await expect(aborted).rejects.toThrow(/abort/i);
    const bad = ownFolder({
      at: 'vae/config.json',
      by: () => {
        throw new Error('unreadable');
      },
    });
    await expect(library.takeIn(never, async () => bad, quiet)).rejects.toThrow('unreadable');
    expect([...(await db.keysUnder(['shard'])), ...(await db.keysUnder(['taking-in']))]).toEqual([]);

    let closed = false;
    const write = db.write;
    const dying = {
      ...db,
      write: async (changes: Parameters<typeof write>[0]) =>
        closed ? Promise.reject(new Error('closed')) : write(changes),
    };
    const crash = ownFolder({
      at: 'vae/config.json',
      by: () => {
        closed = true;
        throw new Error('crash');
      },
    });
    await expect(
      modelLibrary('https://page.example/', { db: dying, shardBytes }).takeIn(never, async () => crash, quiet),
    ).rejects.toThrow();
    expect((await db.keysUnder(['shard'])).length).toBeGreaterThan(0);
    expect(await library.list()).toHaveLength(2);
    expect([...(await db.keysUnder(['shard'])), ...(await db.keysUnder(['taking-in']))]).toEqual([]);
  });
});
