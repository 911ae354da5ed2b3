// What of a model is here, whoever else has files of it too; and weights that are no numbers, in files that were not taken in just now.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { modelLibrary } from '../../src/storage/model-library.ts';
import type { ModelRecord } from '../../src/storage/model-records.ts';
import { sd15Manifest } from '../../src/storage/sd15.ts';
import type { OnTransfer } from '../../src/storage/transfer-meter.ts';
import { hash, KIB, mirrored, never, ownFolder, UNET } from './library.ts';
import type { OddServer } from './odd-server.ts';
import { emptyDatabase } from './small-model.ts';

const servers: OddServer[] = [];
const begun = async (...how: Parameters<typeof mirrored>) => {
  const all = await mirrored(...how);
  servers.push(all.server);
  return all;
};
afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.close()))));
const quiet: OnTransfer = () => {};
type Step = 'fetch' | 'part' | 'trust' | 'remove' | 'take' | 'remove own';

describe('a model', () => {
  it('whose odd file is full of what is no number is not trusted: it says so and stays in doubt', async () => {
    const { server, library, sd15 } = await begun();
    const good = server.files.get(UNET)!;
    const from = good.length - 160_000; // its one tensor
    server.files.set(
      UNET,
      good.map((byte, i) => (i >= from + 8 && i < from + 16 ? 0xff : byte)),
    );
    await expect(library.fetch(never, 'sd15', quiet)).rejects.toMatchObject({ code: 'hash-differs' });
    await expect(library.trust('sd15')).rejects.toMatchObject({
      code: 'broken-weights',
      facts: { file: UNET, tensor: 'weight', found: 'nan', count: 2 },
    });
    expect((await sd15()).state).toBe('doubted');
  });

  it('never begun is absent though another has the same vocabulary (was: “525 KB, a part of it”)', async () => {
    const library = modelLibrary('https://page.example/', { db: emptyDatabase() });
    const merges = readFileSync(join(import.meta.dirname, '../../public/models/demo/tokenizer/merges.txt'));
    const change = (model: Map<string, Uint8Array>) => model.set('tokenizer/merges.txt', merges);
    expect((await sd15Manifest()).files.map(({ sha256 }) => sha256)).toContain(hash(merges));
    const own = await library.takeIn(never, async () => ownFolder({ change }), quiet);
    expect(own.storedBytes).toBeGreaterThan(merges.length);
    const here = async () => (await library.list()).find(({ id }) => id === 'sd15')!;
    expect(await here()).toMatchObject({ state: 'absent', storedBytes: 0 });
    await library.remove('sd15');
    expect(await here()).toMatchObject({ state: 'absent', storedBytes: 0 });
    expect((await library.list()).find(({ id }) => id === own.id)!.state).toBe('complete');
  });

  it('deleted, after whatever was done, is absent, and what others have is whole', async () => {
    const step = fc.constantFrom<Step>('fetch', 'part', 'trust', 'remove', 'take', 'remove own');
    const { library, server, sd15, db } = await begun(2000, { shardBytes: KIB });
    const good = server.files.get(UNET)!;
    const own = async () => (await library.list()).find(({ id }) => id.startsWith('own-'));
    const steps: Record<Step, () => Promise<unknown>> = {
      fetch: () => library.fetch(never, 'sd15', quiet),
      async part() {
        const stop = new AbortController();
        await library.fetch(stop.signal, 'sd15', ({ doneBytes }) => doneBytes > 3000 && stop.abort()).catch(() => {});
      },
      async trust() {
        server.files.set(
          UNET,
          good.map((byte, i) => (i === good.length - 1 ? byte ^ 1 : byte)),
        );
        await library.fetch(never, 'sd15', quiet).catch(() => {});
        if ((await sd15()).state === 'doubted') await library.trust('sd15');
        server.files.set(UNET, good);
      },
      remove: () => library.remove('sd15'),
      take: () => library.takeIn(never, async () => ownFolder(), quiet),
      async 'remove own'() {
        const taken = await own();
        if (taken) await library.remove(taken.id);
      },
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (some) => {
        for (const step of some) await steps[step]();
        await steps.remove();
        // Whatever was done before, and whatever else is here: nothing of it is left, and nothing is listed as its.
        expect(await sd15()).toMatchObject({ state: 'absent', storedBytes: 0, doubts: [] });
        expect((await sd15()).bytes).toBeGreaterThan(0);
        if (await own()) expect((await own())!.state).toBe('complete');
        await steps['remove own']();
        expect([
          ...(await db.keysUnder(['shard'])),
          ...(await db.keysUnder(['part'])),
          ...(await db.keysUnder(['file'])),
        ]).toEqual([]);
      }),
      { numRuns: 15 },
    );
  }, 60_000);
});

describe('a checkpoint taken in', () => {
  const shardBytes = 1000;
  it('before weights were looked at is looked at once, when it is opened', async () => {
    const db = emptyDatabase();
    const library = modelLibrary('https://page.example/', { db, shardBytes });
    const earlier = async (change: (bytes: Uint8Array) => void) => {
      const { id } = await library.takeIn(
        never,
        async () => ownFolder({ change: (model) => change(model.get(UNET)!) }),
        quiet,
      );
      const { sound: _, ...record } = (await db.get<ModelRecord>(['model', id]))!;
      await db.write({ put: [[['model', id], record]] });
      return id;
    };
    const bad = await earlier((bytes) => bytes.set([0, 0, 0x80, 0x7f], bytes.length - 4));
    for (let i = 0; i < 2; i++)
      await expect(library.open(never, bad, () => {})).rejects.toMatchObject({
        code: 'broken-weights',
        facts: { file: UNET, tensor: 'weight', found: 'infinite', count: 1 },
      });
    const good = await earlier(() => {});
    const heard: number[] = [];
    for (let i = 0; i < 2; i++) await library.open(never, good, ({ done, total }) => heard.push(done / total));
    expect(heard).toHaveLength(3); // each of its files of weights, once
    expect(heard.every((share) => share > 0 && share <= 1)).toBe(true);
  });
});
