// In: a PNG and any text. Out: the text comes back, the picture is untouched, and what is no PNG says so.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { pngText, withPngText } from '../../src/files/png-text.ts';

const png = new Uint8Array(readFileSync('test/fixtures/plain.png'));

test('any text comes back, Latin-1 or not, and another decoder finds every checksum right and the same picture', async () => {
  const before = PNG.sync.read(Buffer.from(png));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), async (text) => {
      fc.pre(!text.includes('\0'));
      const written = await withPngText(png, 'parameters', text);
      expect(pngText(written, 'parameters')).toBe(text);
      expect(pngText(written, 'prompt')).toBe(null);
      expect(PNG.sync.read(Buffer.from(written), { checkCRC: true }).data.equals(before.data)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('a PNG that Pillow wrote (PngInfo.add_text, Latin-1 and not) is read', () => {
  const read = (name: string) => pngText(new Uint8Array(readFileSync(`test/fixtures/${name}`)), 'parameters');
  expect(read('drawn.png')).toMatch(/^a café with[\s\S]*Version: v1.10.1$/);
  expect(read('drawn-hangul.png')).toMatch(/^장난감 사진\nSteps: 20/);
});

test('neither a cut nor a foreign file throws', async () => {
  const written = await withPngText(png, 'parameters', 'Steps: 1');
  for (let length = 0; length < 120; length++) pngText(written.subarray(0, length), 'parameters');
  expect(pngText(new Uint8Array(readFileSync('test/fixtures/baseline.jpg')), 'parameters')).toBe(null);
  await expect(withPngText(new Uint8Array(20), 'parameters', '')).rejects.toThrow(RangeError);
});
