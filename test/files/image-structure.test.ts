// Image files whole, cut anywhere, and made of noise: what is incomplete is said to be, nothing throws.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageStructure } from '../../src/files/image-structure.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : part)));

describe('whole files', () => {
  it.each([
    ['baseline.jpg', 'jpeg', 240, 160],
    ['progressive.jpg', 'jpeg', 240, 160],
    ['turned.jpg', 'jpeg', 160, 240], // as stored
    ['plain.png', 'png', 240, 160],
    ['one-pixel.png', 'png', 1, 1],
    ['twelve-megapixels.png', 'png', 4000, 3000],
  ])('%s', (name, format, width, height) => {
    expect(imageStructure(fixture(name))).toEqual({ format, complete: true, size: { width, height } });
  });

  it('a second image or a video after the first, as phones write them', () => {
    const twice = Uint8Array.from([...fixture('baseline.jpg'), ...fixture('truncated.jpg'), 0, 0, 1]);
    expect(imageStructure(twice)?.complete).toBe(true);
  });

  it('formats whose size is not read: only the ends are looked at', () => {
    expect(imageStructure(bytes('RIFF', [8, 0, 0, 0], 'WEBPVP8 '))).toEqual({
      format: 'webp',
      complete: true,
      size: null,
    });
    expect(imageStructure(bytes('RIFF', [9, 0, 0, 0], 'WEBPVP8 '))?.complete).toBe(false);
    const avif = bytes([0, 0, 0, 12], 'ftypavif', [0, 0, 0, 9], 'mdat', [7]);
    expect(imageStructure(avif)).toEqual({ format: 'isobmff', complete: true, size: null });
    expect(imageStructure(avif.slice(0, -1))?.complete).toBe(false);
    expect(imageStructure(bytes('GIF89a', [1, 0, 0x3b]))?.complete).toBe(true);
    expect(imageStructure(bytes('GIF89a', [1, 0]))?.complete).toBe(false);
  });
});

describe('what is not whole', () => {
  it.each(['truncated.jpg', 'truncated-progressive.jpg', 'truncated.png'])('%s', (name) => {
    expect(imageStructure(fixture(name))?.complete).toBe(false);
  });

  it.each(['baseline.jpg', 'progressive.jpg', 'plain.png'])('%s cut anywhere', (name) => {
    const whole = fixture(name);
    for (let length = 0; length < whole.length - 12; length++)
      expect(imageStructure(whole.slice(0, length))?.complete ?? false).toBe(false);
  });

  it('a text file named .png is no image', () => {
    expect(imageStructure(fixture('text.png'))).toBeNull();
    expect(imageStructure(new Uint8Array())).toBeNull();
  });

  it('noise after any known beginning ends, and never throws', () => {
    const begins = [
      [0xff, 0xd8, 0xff],
      [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
      [...bytes('RIFF')],
      [...bytes('GIF8')],
      [...bytes('BM')],
      [...bytes('....ftyp')],
      [],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...begins), fc.uint8Array({ maxLength: 300 }), (begin, rest) => {
        imageStructure(Uint8Array.from([...begin, ...rest]));
        imageStructure(Uint8Array.from([...begin, 0, 0, 0, 0, ...rest])); // chunks and boxes of length 0
      }),
      { numRuns: 3000 },
    );
  });
});
