// A model fetched, kept, reopened offline, replaced, interrupted and damaged: it is whole or it is named what is wrong with it.
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/progress.ts';
import { deleteModel, openModel, storedModels } from '../../src/storage/model-store.ts';
import { Trouble, type TroubleCode } from '../../src/trouble.ts';
import { chunks, emptyDatabase, Server, smallModel, source } from './small-model.ts';

const UNET = 'unet/diffusion_pytorch_model.safetensors';
const setup = () => {
  const server = new Server(smallModel(1));
  const db = emptyDatabase();
  const waiting = { tries: 2, firstMs: 1, longestMs: 1000 };
  const options = { db, fetch: server.fetch, waiting, shardBytes: 1000 }; // a tensor file (2.1 kB) takes three shards
  const open = (more = {}) => openModel(source, { ...options, ...more });
  const first = async (model: Awaited<ReturnType<typeof open>>) =>
    (await (await model.tensors(UNET)).float32('weight'))[0];
  return { server, db, open, first };
};
async function troubleOf<C extends TroubleCode>(code: C, promise: Promise<unknown>): Promise<Trouble<C>> {
  const error: unknown = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(Trouble);
  expect((error as Trouble).code).toBe(code);
  return error as Trouble<C>;
}

describe('a model', () => {
  it('is fetched once with its progress in bytes, and opened offline from then on', async () => {
    const { server, open, first } = setup();
    const told: Progress[] = [];
    const model = await open({ onProgress: (progress: Progress) => told.push(progress) });
    const total = [...server.files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(told.every((progress, i) => progress.total === total && progress.done >= (told[i - 1]?.done ?? 0))).toBe(
      true,
    );
    expect(told.at(-1)?.done).toBe(total);
    const facts = { id: 'small', name: 'Small', source: 'here', licence: 'none', bytes: total };
    expect(model.info).toEqual({ ...facts, version: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{8}){2}$/) });
    expect(await model.json('unet/config.json')).toEqual({ path: 'unet/config.json', seed: 1 });
    expect(await model.text('tokenizer/merges.txt')).toBe('#version: 0.2\na b\n');
    expect(await first(model)).toBe(1 + UNET.length);

    server.online = false;
    server.log = [];
    expect(await first(await open())).toBe(1 + UNET.length);
    expect(server.log).toEqual(['manifest.json']);
  });

  it('whose part is missing is fetched again only for that part', async () => {
    const { server, db, open, first } = setup();
    await open();
    const shard = (await db.keysUnder(['shard'])).find((key) => key[2] === 2)!; // the last third of one tensor file
    await db.write({ remove: [shard] });
    server.log = [];
    expect(await first(await open())).toBe(1 + UNET.length);
    expect(server.log).toHaveLength(2);
    expect(server.log[1]).toMatch(/\.safetensors bytes=2000-\d+$/);
  });

  it('is noticed when it was replaced: only what differs is fetched, the old files go, and its version is another', async () => {
    const { server, db, open, first } = setup();
    const { version } = (await open()).info;
    const before = (await db.keysUnder(['shard'])).length;
    server.files = smallModel(2);
    server.log = [];
    const replaced = await open();
    expect(await first(replaced)).toBe(2 + UNET.length);
    expect(replaced.info.version).not.toBe(version);
    expect((await open()).info.version).toBe(replaced.info.version);
    expect(server.log.some((path) => path.startsWith('tokenizer/'))).toBe(false);
    expect(await db.keysUnder(['shard'])).toHaveLength(before);
  });

  it('stays in use when its replacement cannot be had', async () => {
    const { server, open, first } = setup();
    await open();
    server.files = smallModel(2);
    server.instead.set(UNET, () => new Response('gone', { status: 410 }));
    const model = await open();
    expect(await first(model)).toBe(1 + UNET.length);
    expect(model.updateFailed?.facts).toEqual({ file: UNET, status: 410 });
    server.instead.clear();
    expect(await first(await open())).toBe(2 + UNET.length);
  });

  it('opens when the network is there but never answers', async () => {
    const { open, first } = setup();
    await open();
    const never: typeof fetch = async (_input, init) => {
      const signal = init!.signal!;
      signal.throwIfAborted(); // as fetch does: on a busy computer the stop below comes first
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const model = await open({ fetch: never, patienceMs: 10 });
    expect(await first(model)).toBe(1 + UNET.length);
    expect(model.updateFailed?.message).toMatch(/10 ms/);
    const stop = new AbortController();
    const stopped = open({ fetch: never, signal: stop.signal });
    setTimeout(() => stop.abort(), 10);
    await expect(stopped).rejects.toThrow(/abort/i);
  });

  it('goes on after a broken connection from where it broke, or from the start where the server has no ranges', async () => {
    for (const ranges of [true, false]) {
      const { server, open, first } = setup();
      server.ranges = ranges;
      server.instead.set(UNET, () => new Response(chunks(server.files.get(UNET)!, 300, 1500)));
      // with more connections than one, what comes first of which shard is chance
      const { facts } = await troubleOf('download-cut', open({ lanes: 1 }));
      expect(facts).toMatchObject({ file: UNET, status: 0 });
      expect(facts.storedBytes).toBeGreaterThanOrEqual(1500);
      server.instead.clear();
      server.log = [];
      expect(await first(await open({ lanes: 1 }))).toBe(1 + UNET.length);
      expect(server.log.find((line) => line.startsWith(UNET))).toBe(`${UNET} bytes=1500-1999`);
    }
  });

  it('can be stopped; what has arrived is kept', async () => {
    const { server, db, open } = setup();
    const stop = new AbortController();
    const onProgress = ({ done }: Progress) => done > 3000 && stop.abort();
    await expect(open({ onProgress, signal: stop.signal })).rejects.toThrow(/abort/i);
    expect((await db.keysUnder(['shard'])).length).toBeGreaterThan(0);
    expect(await storedModels(db)).toEqual([]);
    server.log = [];
    await open();
    expect(server.log.length).toBeLessThan(1 + server.files.size);
    expect(await storedModels(db)).toEqual(['small']);
  });

  it('is deleted with its files', async () => {
    const { db, open } = setup();
    await open();
    await deleteModel('small', db);
    expect([...(await db.keysUnder(['shard'])), ...(await storedModels(db))]).toEqual([]);
  });
});

describe('a damaged model is named with what was expected, and nothing of the damaged file is kept', () => {
  const html = '<!doctype html><html><body>Log in to this network</body></html>';
  const wrong: [why: string, (good: Uint8Array<ArrayBuffer>) => Response, got: RegExp][] = [
    ['an HTML page', () => new Response(html), /^an HTML page$/],
    ['cut short', (good) => new Response(good.slice(0, 1500)), /^1500 bytes$/],
    ['too long', (good) => new Response(Uint8Array.from([...good, 0])), /^more bytes$/],
    [
      'one bit flipped',
      (good) => new Response(good.map((b, i) => (i === 1500 ? b ^ 1 : b))),
      /^other bytes \(sha256 [0-9a-f]{64}\)$/,
    ],
  ];
  it.each(wrong)('%s', async (_why, response, got) => {
    const { server, db, open } = setup();
    server.instead.set(UNET, () => response(server.files.get(UNET)!));
    const { facts } = await troubleOf('file-damaged', open());
    expect(facts.file).toBe(UNET);
    expect(facts.expected).toMatch(/^\d+ bytes with sha256 [0-9a-f]{64}$/);
    expect(facts.got).toMatch(got);
    expect(await storedModels(db)).toEqual([]);
    server.instead.clear();
    await open(); // mended on the server: mended here
  });

  it('404', async () => {
    const { server, open } = setup();
    server.files.delete(UNET);
    server.instead.set('manifest.json', () => Response.json(new Server(smallModel(1)).manifest));
    expect((await troubleOf('file-missing', open())).facts).toEqual({ file: UNET, status: 404 });
  });

  it('a manifest that is a page, lists too little or lies about its form', async () => {
    const { server, open } = setup();
    const files = (server.manifest as { files: { path: string }[] }).files;
    for (const body of [
      html,
      '{"files": 3}',
      'null',
      '{"files": [null]}',
      JSON.stringify({ files: files.slice(1) }),
      JSON.stringify({ files: files.map((f) => ({ ...f, sha256: 'x' })) }),
    ]) {
      server.instead.set('manifest.json', () => new Response(body));
      expect((await troubleOf('file-damaged', open())).facts.file).toBe('manifest.json');
    }
  });

  it('a file whose bytes are right but which is no safetensors file', async () => {
    const { server, open } = setup();
    server.files.set(UNET, new TextEncoder().encode(html));
    const { facts } = await troubleOf('file-damaged', open());
    expect(facts).toMatchObject({ file: UNET, got: 'an HTML page' });
  });

  it('what was stored whole but can no longer be read is fetched again', async () => {
    const { server, db, open, first } = setup();
    await open();
    for (const key of await db.keysUnder(['shard'])) {
      const shard = (await db.get<Blob>(key))!;
      if (key[2] === 0 && shard.size === 1000) await db.write({ put: [[key, new Blob([new Uint8Array(1000)])]] });
    }
    server.log = [];
    expect(await first(await open())).toBe(1 + UNET.length);
    expect(server.log.length).toBeGreaterThan(1);
  });
});
