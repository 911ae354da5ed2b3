// Canvases and decoders that fail as real ones do: what they give is noticed, tried again or told, and strips change no pixel.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { inStrips } from '../../src/dataset/canvas.ts';
import { centreCrop } from '../../src/dataset/crop.ts';
import { decodePhoto } from '../../src/dataset/decode.ts';
import { photoPixels } from '../../src/dataset/pixels.ts';
import type { RgbaPicture } from '../../src/dataset/resample.ts';
import { readPng } from './pictures.ts';

const photo = new Blob([readFileSync(new URL('../fixtures/plain.png', import.meta.url))], { type: 'image/png' });
afterEach(() => vi.unstubAllGlobals());

/** A canvas of the browser's. `gives`: what became of what was drawn. */
function stubCanvas(gives: (drawn: Uint8ClampedArray, pixels: number) => void = () => {}): { most: number } {
  const seen = { most: 0 };
  class Canvas {
    readonly #data: Uint8ClampedArray;
    constructor(
      readonly width: number,
      readonly height: number,
    ) {
      seen.most = Math.max(seen.most, width * height);
      this.#data = new Uint8ClampedArray(4 * width * height);
    }
    getContext() {
      const { width, height } = this;
      const data = this.#data;
      return {
        canvas: this,
        fillRect: () => data.fill(255),
        // Nearest pixels are enough: what is compared was drawn at its own size, or is only looked at.
        drawImage(from: RgbaPicture, x: number, y: number, w: number, h: number) {
          for (let row = 0; row < height; row++)
            for (let column = 0; column < width; column++) {
              const at = from.width * (y + Math.floor((row * h) / height)) + x + Math.floor((column * w) / width);
              data.set(from.data.subarray(4 * at, 4 * at + 4), 4 * (row * width + column));
            }
        },
        getImageData() {
          gives(data, width * height);
          return { width, height, data };
        },
      };
    }
  }
  vi.stubGlobal('OffscreenCanvas', Canvas);
  return seen;
}
/** `createImageBitmap` of a picture, whatever file comes; `asked` has the options. */
function stubDecoder(
  picture: RgbaPicture,
  refuses: (options: ImageBitmapOptions | undefined) => boolean = () => false,
) {
  const asked: (ImageBitmapOptions | undefined)[] = [];
  vi.stubGlobal('createImageBitmap', async (_file: Blob, options?: ImageBitmapOptions) => {
    asked.push(options);
    if (refuses(options)) throw new DOMException('The source image could not be decoded.', 'InvalidStateError');
    return { ...picture, close() {} };
  });
  return asked;
}
const scene = readPng('test/fixtures/plain.png');
/** Every pixel another, 5 MP. */
const large: RgbaPicture = (() => {
  const [width, height] = [2600, 2000];
  const words = Uint32Array.from({ length: width * height }, (_, i) => 0xff000000 | i);
  return { width, height, data: new Uint8ClampedArray(words.buffer) };
})();

it('a crop is read in strips of at most 4 MP, and no pixel changes', () => {
  const seen = stubCanvas();
  const whole = { x: 50, y: 10, width: 2500, height: 1990 };
  const picture = inStrips('x', large as unknown as ImageBitmap, whole);
  expect(seen.most).toBeLessThanOrEqual(4_000_000);
  expect(seen.most).toBeGreaterThan(3_900_000); // there were two strips
  const [got, had] = [picture, large].map(({ data }) => new Uint32Array(data.buffer)) as [Uint32Array, Uint32Array];
  let wrong = 0;
  for (let y = 0; y < whole.height; y++)
    for (let x = 0; x < whole.width; x++)
      if (got[y * whole.width + x] !== had[(whole.y + y) * large.width + whole.x + x]) wrong++;
  expect(wrong).toBe(0);
});

it('a canvas of zeros (iOS above 16.7 MP) is noticed and told, never learned', async () => {
  stubCanvas((drawn) => drawn.fill(0));
  stubDecoder(scene);
  await expect(photoPixels('x.png', photo, centreCrop, 32)).rejects.toMatchObject({
    ...{ code: 'photo-unreadable', facts: { file: 'x.png', reason: 'blank' } },
  });
});

it('a crop of one colour (a white canvas) is told where a small picture of it has several', async () => {
  stubCanvas((drawn, pixels) => pixels > 20_000 && drawn.fill(255));
  stubDecoder(scene);
  await expect(photoPixels('x.png', photo, centreCrop, 32)).rejects.toMatchObject({
    ...{ code: 'photo-unreadable', facts: { file: 'x.png', reason: 'blank' } },
  });
});

it('a crop that has one colour in truth is learned as it is', async () => {
  stubCanvas();
  stubDecoder({ ...scene, data: new Uint8Array(scene.data.length).fill(255) });
  const pixels = await photoPixels('x.png', photo, centreCrop, 32);
  expect(new Set(pixels)).toEqual(new Set([1]));
});

it('createImageBitmap that rejects once is tried again without options', async () => {
  stubCanvas();
  const asked = stubDecoder(scene, (options) => options !== undefined);
  const bitmap = await decodePhoto('x.png', photo);
  expect(bitmap.width).toBe(scene.width);
  expect(asked).toEqual([{ imageOrientation: 'from-image' }, undefined]);
});

it('createImageBitmap that rejects twice keeps the browser’s words', async () => {
  stubDecoder(scene, () => true);
  const words = 'The source image could not be decoded.';
  await expect(decodePhoto('x.png', photo)).rejects.toMatchObject({
    ...{ code: 'photo-unreadable', facts: { file: 'x.png', reason: 'damaged', words } },
  });
});
