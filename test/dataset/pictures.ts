// PNG files of test/fixtures and public/samples as RGBA pictures, without a browser.
import { readFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import type { RgbaPicture } from '../../src/dataset/resample.ts';

/** `path` from the repository's root. */
export function readPng(path: string): RgbaPicture {
  const { width, height, data } = PNG.sync.read(readFileSync(new URL(`../../${path}`, import.meta.url)));
  return { width, height, data: new Uint8Array(data) };
}

/** A picture from a grey level at every place. */
export function paint(width: number, height: number, grey: (x: number, y: number) => number): RgbaPicture {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) data.fill(grey(x, y), 4 * (y * width + x), 4 * (y * width + x) + 3);
  return { width, height, data };
}
