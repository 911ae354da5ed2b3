// One rule of size for every format: the same picture is taken or refused whatever it is saved as; a large one is made smaller.
import { describe, expect, test } from 'vitest';
import { decodingScale, isTooLarge, squaresLong } from '../../src/dataset/photo-size.ts';
import { imageSize } from '../../src/files/image-size.ts';

const text = (letters: string) => [...letters].map((letter) => letter.charCodeAt(0));
const big = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const little = (n: number, bytes: number) => Array.from({ length: bytes }, (_, i) => Math.floor(n / 256 ** i) & 255);
const box = (type: string, ...body: number[][]) => [...big(8 + body.flat().length), ...text(type), ...body.flat()];

/** Headers as encoders write them, of a picture of this size. */
const headers: Record<string, (width: number, height: number) => number[]> = {
  JPEG: (w, h) => [
    0xff,
    0xd8,
    0xff,
    0xe0,
    0,
    4,
    0,
    0,
    0xff,
    0xc0,
    0,
    11,
    8,
    ...big(h).slice(2),
    ...big(w).slice(2),
    1,
    1,
    17,
    0,
  ],
  PNG: (w, h) => [
    0x89,
    ...text('PNG\r\n\x1a\n'),
    ...big(13),
    ...text('IHDR'),
    ...big(w),
    ...big(h),
    8,
    2,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ],
  'WebP, lossy': (w, h) => [
    ...text('RIFF\x20\0\0\0WEBPVP8 \x14\0\0\0'),
    ...[0, 0, 0, 0x9d, 0x01, 0x2a],
    ...little(w, 2),
    ...little(h, 2),
    ...Array<number>(20).fill(0),
  ],
  'WebP, extended': (w, h) => [
    ...text('RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0'),
    ...little(w - 1, 3),
    ...little(h - 1, 3),
    ...Array<number>(20).fill(0),
  ],
  GIF: (w, h) => [...text('GIF89a'), ...little(w, 2), ...little(h, 2), 0, 0, 0],
  BMP: (w, h) => [
    ...text('BM'),
    ...little(54, 4),
    ...little(0, 4),
    ...little(54, 4),
    ...little(40, 4),
    ...little(w, 4),
    ...little(h, 4),
    ...Array<number>(28).fill(0),
  ],
  AVIF: (w, h) => [
    ...box('ftyp', text('avif'), big(0), text('avifmif1')),
    ...box(
      'meta',
      big(0),
      box('hdlr', Array<number>(24).fill(0)),
      box('iprp', box('ipco', box('ispe', big(0), big(512), big(512)), box('ispe', big(0), big(w), big(h)))),
    ),
    ...box('mdat'),
  ],
};
const sizes: [megapixels: string, width: number, height: number, taken: boolean][] = [
  ['12', 4000, 3000, true],
  ['108', 12_000, 9000, true], // a JPEG of it was refused
  ['200', 16_320, 12_240, true],
  ['268', 16_383, 16_383, true], // the largest WebP
];

describe.each(Object.keys(headers))('%s', (format) => {
  test.each(sizes)('of %s megapixels', (_, width, height, taken) => {
    const size = imageSize(Uint8Array.from(headers[format]!(width, height)));
    expect(size).toEqual({ width, height });
    expect(!isTooLarge(size!)).toBe(taken);
  });
});

// WebP's lossy header has 14 bits a side.
test.each(Object.keys(headers).filter((format) => format !== 'WebP, lossy'))(
  '%s beyond what a canvas holds is refused',
  (format) => {
    const size = imageSize(Uint8Array.from(headers[format]!(20_000, 14_000)));
    expect(size).toEqual({ width: 20_000, height: 14_000 });
    expect(isTooLarge(size!)).toBe(true);
  },
);

describe('how much smaller', () => {
  test.each([
    [4000, 3000],
    [8160, 6120],
    [12_000, 9000],
    [16_320, 12_240],
    [60_000, 1000],
    [40_000, 2500],
    [2500, 40_000],
  ])('%d × %d', (width, height) => {
    const scale = decodingScale({ width, height });
    if (width * height <= 50_000_000) expect(scale).toBe(1);
    expect(scale).toBeLessThanOrEqual(1);
    // Never at the cost of the side that training sees.
    expect(scale * Math.min(width, height)).toBeGreaterThanOrEqual(Math.min(2048, width, height) - 1e-6);
    expect(width * height * scale ** 2).toBeLessThanOrEqual(Math.max(50_000_000, 2048 * Math.max(width, height)));
  });
});

test('a panorama of four squares or more is told, upright ones too; ordinary shapes are not', () => {
  expect([4000, 8000, 20_000].map((width) => squaresLong({ width, height: 1000 }))).toEqual([4, 8, 20]);
  expect(squaresLong({ width: 500, height: 10_000 })).toBe(20);
  expect(squaresLong({ width: 2390, height: 1000 })).toBeNull();
});
