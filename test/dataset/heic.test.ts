// In: HEIC files that pillow-heif wrote (tools/fixtures/heic.py). Out: the scene they were made of, right way up; decoding one after another takes no more memory.
import { readFileSync } from 'node:fs';
import openLibheif from 'libheif-js/libheif-wasm/libheif.js';
import { expect, test } from 'vitest';
import { decodeHeic, type HeicPixels } from '../../src/dataset/heic-decoder.ts';

const bytes = (name: string) => new Uint8Array(readFileSync(`test/fixtures/${name}`));
const wasmBinary = readFileSync('node_modules/libheif-js/libheif-wasm/libheif.wasm');
const libheif = openLibheif({ wasmBinary });

/** The colour at a place, from 0 to 1 each way, next to what the scene has there: HEVC at quality 70 is within 12 levels in flat parts. */
function colours({ width, height, data }: HeicPixels): number[][] {
  return [
    [0.4, 0.4], // red
    [0.8, 0.4], // blue
    [0.14, 0.2], // the disc
    [0.5, 0.9], // black
  ].map(([x, y]) => {
    const at = 4 * (Math.floor(y! * height) * width + Math.floor(x! * width));
    return [...data.subarray(at, at + 4)];
  });
}
const SCENE = [
  [220, 30, 30, 255],
  [30, 30, 220, 255],
  [255, 255, 255, 255],
  [0, 0, 0, 255],
];
const worst = (pixels: HeicPixels): number =>
  Math.max(...colours(pixels).flatMap((colour, i) => colour.map((value, c) => Math.abs(value - SCENE[i]![c]!))));

test.each(['photo.heic', 'photo-10-bit.heic', 'photo-turned.heic', 'twelve-megapixels.heic'])('%s', (name) => {
  const pixels = decodeHeic(libheif, bytes(name));
  expect([pixels.width / pixels.height, pixels.colorSpace]).toEqual([name.startsWith('twelve') ? 4 / 3 : 1.5, 'srgb']);
  expect(worst(pixels)).toBeLessThanOrEqual(12);
});

test('Display P3 is told by its profile, since the numbers alone mean other colours', () => {
  expect(decodeHeic(libheif, bytes('photo-p3.heic')).colorSpace).toBe('display-p3');
});

test('what is damaged is refused in libheif’s words, and the next is read', () => {
  const photo = bytes('photo.heic');
  expect(() => decodeHeic(libheif, photo.subarray(0, 300))).toThrow(/./);
  const holed = photo.slice();
  holed.fill(0, 24, 200); // what describes the picture
  expect(() => decodeHeic(libheif, holed)).toThrow(/./);
  expect(worst(decodeHeic(libheif, photo))).toBeLessThanOrEqual(12);
});

test('a row of 12-megapixel photos takes the memory of one', () => {
  const photo = bytes('twelve-megapixels.heic');
  decodeHeic(libheif, photo);
  const one = libheif.HEAPU8.length;
  for (let n = 0; n < 3; n++) decodeHeic(libheif, photo);
  expect(libheif.HEAPU8.length).toBe(one);
}, 60_000);
