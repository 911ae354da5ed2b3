// Image files whole, cut anywhere, and made of noise: what is incomplete is said to be, what lacks only its end marker is not, nothing throws.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endOf, type ImageStructure, imageStructure } from '../../src/files/image-structure.ts';
import { jpegScans } from '../../src/files/jpeg-scans.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : part)));
const complete = async (file: Uint8Array<ArrayBuffer>): Promise<ImageStructure['complete'] | null> =>
  (await imageStructure(file))?.complete ?? null;
const sos = (file: Uint8Array): number => file.findIndex((byte, at) => byte === 0xff && file[at + 1] === 0xda);

describe('whole files', () => {
  it.each([
    ['baseline.jpg', 'jpeg', 240, 160],
    ['progressive.jpg', 'jpeg', 240, 160],
    ['turned.jpg', 'jpeg', 240, 160], // as it is seen
    ['plain.png', 'png', 240, 160],
    ['one-pixel.png', 'png', 1, 1],
    ['twelve-megapixels.png', 'png', 4000, 3000],
  ])('%s', async (name, format, width, height) => {
    expect(await imageStructure(fixture(name))).toEqual({ format, complete: true, size: { width, height } });
  });

  it('a second image or a video after the first, as phones write them', async () => {
    const twice = Uint8Array.from([...fixture('baseline.jpg'), ...fixture('truncated.jpg'), 0, 0, 1]);
    expect(await complete(twice)).toBe(true);
  });

  it('formats of which only the structure is looked at', async () => {
    expect(await complete(bytes('RIFF', [8, 0, 0, 0], 'WEBPVP8 '))).toBe(true);
    expect(await complete(bytes('RIFF', [9, 0, 0, 0], 'WEBPVP8 '))).toBe(false);
    const avif = bytes([0, 0, 0, 12], 'ftypavif', [0, 0, 0, 9], 'meta', [7], [0, 0, 0, 9], 'mdat', [7]);
    expect(await complete(avif)).toBe(true);
    expect(await complete(avif.slice(0, -1))).toBe(false);
  });

  it('bytes after the picture, in any format, do not make it a part of one', async () => {
    const avif = bytes([0, 0, 0, 12], 'ftypavif', [0, 0, 0, 8], 'meta', [0, 0, 0, 8], 'mdat');
    const gif = bytes('GIF89a', [1, 0, 1, 0, 0, 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0]);
    for (const file of [avif, gif, fixture('baseline.jpg'), fixture('plain.png')])
      expect(await complete(Uint8Array.from([...file, ...bytes('notes that some program left here')]))).toBe(true);
    for (let length = 13; length < gif.length; length++) expect(await complete(gif.slice(0, length))).toBe(false);
  });
});

describe('what is not whole', () => {
  it.each(['truncated.jpg', 'truncated-progressive.jpg', 'truncated.png'])('%s', async (name) => {
    expect(await complete(fixture(name))).toBe(false);
  });

  it.each([
    ['baseline.jpg', 2],
    ['progressive.jpg', 2],
    ['turned.jpg', 2],
    ['plain.png', 12],
  ] as const)('%s is whole without its end marker, and cut anywhere before it is not', async (name, end) => {
    const whole = fixture(name);
    const format = name.endsWith('png') ? 'png' : 'jpeg';
    expect(await complete(whole.slice(0, -end))).toBe('but-for-its-end');
    expect([...whole.slice(-end)]).toEqual([...endOf[format]!]); // what the decoder is given in its place
    for (let length = 0; length < whole.length - end; length += length < whole.length - 120 ? 61 : 1)
      expect(await complete(whole.slice(0, length)), `${length} bytes`).not.toBeOneOf([true, 'but-for-its-end']);
  });

  it('a JPEG whose data ends in the middle is counted as cut, also where an end marker was put behind it', () => {
    for (const name of ['baseline.jpg', 'progressive.jpg', 'turned.jpg', 'blurred.jpg']) {
      const whole = fixture(name);
      expect(jpegScans(whole)).toBe('whole');
      const data = whole.length - sos(whole);
      for (const share of [0.05, 0.3, 0.5, 0.8, 0.97]) {
        const part = whole.slice(0, sos(whole) + Math.floor(share * data));
        expect(jpegScans(Uint8Array.from([...part, 0xff, 0xd9])), `${name} ${share}`).toBe('cut');
      }
    }
  });

  it('a text file named .png is no image', async () => {
    expect(await imageStructure(fixture('text.png'))).toBeNull();
    expect(await imageStructure(new Uint8Array())).toBeNull();
  });

  it('noise after any known beginning ends, and never throws', async () => {
    const begins = [
      [0xff, 0xd8, 0xff],
      [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
      [...bytes('RIFF')],
      [...bytes('GIF8')],
      [...bytes('BM')],
      [...bytes('....ftyp')],
      [],
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...begins), fc.uint8Array({ maxLength: 300 }), async (begin, rest) => {
        await imageStructure(Uint8Array.from([...begin, ...rest]));
        await imageStructure(Uint8Array.from([...begin, 0, 0, 0, 0, ...rest])); // chunks and boxes of length 0
      }),
      { numRuns: 3000 },
    );
  });

  it('a JPEG with any of its bytes changed is counted to some end', () => {
    const files = ['baseline.jpg', 'progressive.jpg'].map(fixture);
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), fc.nat(255), fc.nat(), (file, at, byte, cut) => {
        const damaged = file.slice(0, file.length - (cut % file.length));
        damaged[at % damaged.length] = byte;
        expect(jpegScans(damaged)).toBeOneOf(['whole', 'cut', 'unknown']);
      }),
      { numRuns: 300 },
    );
  });
});
