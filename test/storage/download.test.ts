// Stable Diffusion's way from a real HTTP server into the database: cut twenty times, refused, lied to, short of disk, in two tabs.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LANES } from '../../src/storage/download.ts';
import type { Transfer } from '../../src/storage/transfer-meter.ts';
import { Trouble, type TroubleCode } from '../../src/trouble.ts';
import { countingFetch, hash, KIB, mirrored, never, tabOf, UNET } from './library.ts';
import type { OddServer } from './odd-server.ts';

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
async function troubleOf<C extends TroubleCode>(code: C, promise: Promise<unknown>): Promise<Trouble<C>['facts']> {
  const error: unknown = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(Trouble);
  expect([(error as Trouble).code, (error as Trouble).message]).toEqual([code, expect.any(String)]);
  return (error as Trouble<C>).facts;
}
const ofUnet = ({ path }: { path: string }) => path === UNET;
const shardOf =
  (index: number) =>
  ({ path, range }: { path: string; range: [number, number] | null }) =>
    path === UNET && range?.[0] === index * 32 * KIB;

/** Numbers in [0, 1) that are the same every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('a download that is cut at twenty random positions', () => {
  it.each([1, 2])(
    'with reloads between ends whole, little of it fetched twice (seed %d)',
    async (seed) => {
      const SHARD = 64 * KIB;
      const { server, db, open, sd15 } = await begin(500_000, { shardBytes: SHARD });
      const total = modelBytes(server);
      const random = seeded(seed);
      const cuts = Array.from({ length: 20 }, () => random() * total).sort((a, b) => a - b);
      // All connections break at each; every other time the tab ends as well, in the middle of everything: nothing more is written.
      let done = 0;
      let reload = () => {};
      const { count, fetch } = countingFetch((bytes) => {
        while (done < cuts.length && bytes >= (cuts[done] as number)) {
          server.breakAll();
          if (done++ % 2 === 0) reload();
        }
      });
      let sessions = 0;
      for (let ended = ''; ended !== 'whole'; sessions++) {
        const tab = tabOf(db);
        const gone = new AbortController();
        reload = () => {
          tab.end();
          gone.abort();
        };
        ended = await open({ db: tab.db, fetch })
          .fetch(gone.signal, 'sd15', () => {})
          .then(
            () => 'whole',
            (error: Error) => error.name,
          );
        expect(ended).toMatch(/^(whole|AbortError)$/);
      }
      const manifests = sessions * server.files.get('manifest.json')!.length;
      const twice = count.bytes - total - manifests;
      expect([done, sessions]).toEqual([20, 11]);
      expect(twice).toBeLessThanOrEqual(cuts.length * LANES * SHARD);
      expect((await sd15()).state).toBe('complete');
      for (const [path, bytes] of server.files)
        if (path !== 'manifest.json') expect([path, await storedHash(db, hash(bytes))]).toEqual([path, hash(bytes)]);
      console.log(`seed ${seed}: ${total} bytes, ${twice} fetched twice, bound ${cuts.length * LANES * SHARD}`);
    },
    60_000,
  );

  function modelBytes(server: OddServer): number {
    const files = [...server.files].filter(([path]) => path !== 'manifest.json');
    return [...new Map(files.map(([, bytes]) => [hash(bytes), bytes.length])).values()].reduce((a, b) => a + b, 0);
  }
  async function storedHash(db: Awaited<ReturnType<typeof begin>>['db'], sha256: string) {
    const keys = await db.keysUnder(['shard', sha256]);
    const shards = await db.getMany<Blob>(keys);
    return hash(new Uint8Array(await new Blob(shards as Blob[]).arrayBuffer()));
  }
});

describe('a connection', () => {
  it('that breaks in the middle goes on at the byte where it broke', async () => {
    const { server, library, stored } = await begin();
    server.oddities.push({ when: shardOf(1), cutAfter: 10_000 });
    await library.fetch(never, 'sd15', () => {});
    const again = server.asked.filter(({ path, range }) => path === UNET && range && range[0] % (32 * KIB) !== 0);
    expect(again).toHaveLength(1);
    expect(again[0]!.range![0]).toBeGreaterThan(32 * KIB);
    expect(again[0]!.range![1]).toBe(64 * KIB);
    expect(hash((await stored(UNET)) as Uint8Array)).toBe(hash(server.files.get(UNET)!.slice(-160_000)));
  });

  it.each<[string, (server: OddServer) => void]>([
    ['429 with seconds', (s) => s.oddities.push({ when: shardOf(2), status: 429, headers: { 'Retry-After': '1' } })],
    [
      '503 with a date',
      (s) =>
        s.oddities.push({
          when: ofUnet,
          status: 503,
          headers: { 'Retry-After': new Date(Date.now() + 3000).toUTCString() },
        }),
    ],
  ])('%s is waited for, and the page hears how long', async (_name, spoil) => {
    const { server, library, sd15 } = await begin();
    spoil(server);
    const heard: Transfer[] = [];
    const begun = Date.now();
    await library.fetch(never, 'sd15', (transfer) => heard.push(transfer));
    expect(Date.now() - begun).toBeGreaterThan(500); // a date has whole seconds
    expect(heard.some(({ waitingMs }) => waitingMs !== null && waitingMs > 300)).toBe(true);
    expect(heard.at(-1)).toMatchObject({ waitingMs: null, doneBytes: (await sd15()).bytes });
  });

  it.each<[string, (server: OddServer) => void]>([
    ['no ranges at all', (s) => (s.ranges = false)],
    [
      'no ranges, and cut twice',
      (s) => {
        s.ranges = false;
        s.oddities.push({ when: ofUnet, cutAfter: 50_000 }, { when: ofUnet, cutAfter: 90_000, times: 2 });
      },
    ],
    ['ranges now and then', (s) => s.oddities.push({ when: shardOf(3), body: s.files.get(UNET)! })],
    ['500 twice', (s) => s.oddities.push({ when: ofUnet, status: 500, times: 2 })],
    ['another range than asked for', (s) => s.oddities.push({ when: shardOf(1), contentRange: 'bytes 0-9/160072' })],
    ['less than asked for', (s) => s.oddities.push({ when: shardOf(1), endAfter: 5000 })],
    ['more than asked for', (s) => s.oddities.push({ when: shardOf(1), extra: 500 })],
    ['416 once', (s) => s.oddities.push({ when: shardOf(1), status: 416 })],
  ])('%s: the model is whole all the same', async (_name, spoil) => {
    const { server, library, stored, sd15 } = await begin();
    spoil(server);
    const size = server.files.get(UNET)!.length;
    for (const odd of server.oddities) if (odd.contentRange) odd.contentRange = `bytes 0-9/${size}`;
    await library.fetch(never, 'sd15', () => {});
    expect((await sd15()).state).toBe('complete');
    expect(hash((await stored(UNET)) as Uint8Array)).toBe(hash(server.files.get(UNET)!.slice(-160_000)));
  });

  it('is given up when patience is over; what arrived is kept', async () => {
    const { server, library, sd15 } = await begin();
    server.oddities.push({ when: shardOf(2), status: 503, times: 99 });
    const facts = await troubleOf(
      'download-cut',
      library.fetch(never, 'sd15', () => {}),
    );
    expect(facts).toMatchObject({ file: UNET, status: 503 });
    const { storedBytes, state } = await sd15();
    expect([facts.storedBytes <= storedBytes, storedBytes > 64 * KIB, state]).toEqual([true, true, 'part']);
    server.oddities.length = 0;
    server.asked.length = 0;
    await library.fetch(never, 'sd15', () => {});
    expect(server.asked.some(shardOf(0))).toBe(false);
    expect((await sd15()).state).toBe('complete');
  });

  it('a server that asks for an hour is not waited for', async () => {
    const { server, library } = await begin();
    server.oddities.push({ when: ofUnet, status: 429, headers: { 'Retry-After': '3600' }, times: 9 });
    expect(
      await troubleOf(
        'download-cut',
        library.fetch(never, 'sd15', () => {}),
      ),
    ).toMatchObject({ status: 429 });
  });

  it('a pause keeps every byte that came', async () => {
    const { server, library, sd15 } = await begin(400_000, { shardBytes: 1024 * KIB });
    server.pauseMs = 1;
    const pause = new AbortController();
    const heard: Transfer[] = [];
    const paused = library.fetch(pause.signal, 'sd15', (transfer) => {
      heard.push(transfer);
      if (transfer.doneBytes > 200 * KIB) pause.abort();
    });
    await expect(paused).rejects.toThrow(/abort/i);
    const { storedBytes, state } = await sd15();
    expect(state).toBe('part');
    expect(storedBytes).toBeGreaterThanOrEqual(200 * KIB); // less than one shard: the beginning of one
    server.pauseMs = 0;
    await library.fetch(never, 'sd15', (transfer) => heard.push(transfer));
    expect(server.asked.at(-1)!.range![0]).toBeGreaterThan(0);
    expect((await sd15()).state).toBe('complete');
  });
});

describe('what is another file', () => {
  const html = new TextEncoder().encode(`<!doctype html><html><body>${'Log in. '.repeat(50)}</body></html>`);
  const lfs = new TextEncoder().encode(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 1\n`,
  );
  it.each<[string, Uint8Array, RegExp]>([
    ['a page to log in', html, /HTML page/],
    ['a pointer', lfs, /git-lfs/],
    ['zeros', new Uint8Array(160_072), /header|bytes/],
  ])('%s is refused by its first bytes', async (_name, body, got) => {
    const { server, library } = await begin();
    server.oddities.push({ when: ofUnet, body, times: 99 });
    const facts = await troubleOf(
      'file-damaged',
      library.fetch(never, 'sd15', () => {}),
    );
    expect(facts.file).toBe(UNET);
    expect(facts.got).toMatch(got);
    server.oddities.length = 0;
    await library.fetch(never, 'sd15', () => {});
  });

  it('a file of another size is refused before it is fetched', async () => {
    const { server, library } = await begin();
    server.files.set(UNET, server.files.get(UNET)!.slice(0, 100_000));
    const facts = await troubleOf(
      'file-damaged',
      library.fetch(never, 'sd15', () => {}),
    );
    expect(facts.got).toBe('a file of 100000 bytes');
    expect(server.asked.filter(ofUnet).reduce((sum, { sent }) => sum + sent, 0)).toBeLessThanOrEqual(100_000);
  });

  it('a missing one is named with its status', async () => {
    const { server, library } = await begin();
    server.oddities.push({ when: ofUnet, status: 404, times: 9 });
    expect(
      await troubleOf(
        'file-missing',
        library.fetch(never, 'sd15', () => {}),
      ),
    ).toEqual({ file: UNET, status: 404 });
  });
});
