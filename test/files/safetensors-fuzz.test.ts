// Safetensors files at random: a typed error or a right answer, never a hang and never memory that only a header asked for.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../src/files/safetensors.ts';
import { Trouble } from '../../src/trouble.ts';
import { forge, troubleOf } from './forged.ts';

describe('fuzz: a typed error or a right answer', () => {
  it('any one byte of the header changed', async () => {
    const data = Uint8Array.from({ length: 12 }, (_, i) => i);
    const good = writeSafetensors([
      { name: 'a', dtype: 'U8', shape: [8], data: data.subarray(0, 8) },
      { name: 'b', dtype: 'F16', shape: [2], data: data.subarray(8) },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 13), fc.nat(255), async (at, value) => {
        const bytes = good.slice();
        bytes[at] = value;
        const file = await readSafetensors(bytes, 'x').catch((e: unknown) => e);
        if (file instanceof Trouble) return;
        expect(file).not.toBeInstanceOf(Error);
        const opened = file as Awaited<ReturnType<typeof readSafetensors>>;
        let total = 0;
        for (const key of opened.keys()) total += (await opened.bytes(key)).length;
        expect(total).toBe(12); // every byte of data belongs to exactly one tensor
      }),
      { numRuns: 1500 },
    );
  });

  it('bytes of any kind, and headers of any JSON', async () => {
    const headers = fc.oneof(fc.json({ maxDepth: 4 }), fc.string()).map((header) => forge(header, 16));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 64 }), headers), async (bytes) => {
        const error: unknown = await readSafetensors(bytes, 'x').catch((e: unknown) => e);
        if (error instanceof Error) expect(error).toBeInstanceOf(Trouble);
      }),
      { numRuns: 500 },
    );
  });

  it('a header nested a hundred thousand deep', async () => {
    await troubleOf(forge('['.repeat(100_000), 0));
    await troubleOf(forge(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 0));
  });
});
