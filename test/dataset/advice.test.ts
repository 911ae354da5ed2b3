// What the page says about photos before training: the same picture again, blurred ones, and what is kept aside.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { captionOf, nameSentence } from '../../src/dataset/caption.ts';
import { differentBits, findNearDuplicate, fingerprint } from '../../src/dataset/fingerprint.ts';
import type { RgbaPicture } from '../../src/dataset/resample.ts';
import { resampleSquare } from '../../src/dataset/resample.ts';
import { looksBlurred, sharpness } from '../../src/dataset/sharpness.ts';
import { keptAsideByDefault, splitPhotos } from '../../src/dataset/split.ts';
import { paint, readPng } from './pictures.ts';

const samples = ['octopus', 'teddy-bear'].map((set) =>
  readdirSync(new URL(`../../public/samples/${set}`, import.meta.url))
    .filter((name) => name.endsWith('.png'))
    .map((name) => readPng(`public/samples/${set}/${name}`)),
);
/** The picture at another size, as a share on the web would have it. */
const resized = (picture: RgbaPicture, size: number): RgbaPicture => {
  const planes = resampleSquare(picture, { x: 0, y: 0, side: picture.width }, size);
  const data = new Uint8ClampedArray(4 * size * size);
  for (let i = 0; i < size * size; i++) for (let c = 0; c < 3; c++) data[4 * i + c] = planes[c * size * size + i]!;
  return { width: size, height: size, data };
};
const changed = (picture: RgbaPicture, change: (value: number) => number): RgbaPicture => ({
  ...picture,
  data: picture.data.map((value, i) => (i % 4 === 3 ? value : Math.min(255, change(value)))),
});

describe('near duplicates', () => {
  it('none among the sample photos, which all show one thing', () => {
    for (const set of samples) {
      const known: { id: string; fingerprint: string }[] = [];
      for (const [index, picture] of set.entries()) {
        const print = fingerprint(picture);
        expect(print).toMatch(/^[0-9a-f]{64}$/);
        expect(findNearDuplicate(print, known)).toBeNull();
        known.push({ id: String(index), fingerprint: print });
      }
    }
  });

  it('a smaller, larger, lighter or noisier copy is found, and named', () => {
    const known = samples.flat().map((picture, index) => ({ id: String(index), fingerprint: fingerprint(picture) }));
    for (const [index, picture] of samples.flat().entries()) {
      const noisy = changed(picture, (value) => value + ((value * 7) % 3) - 1);
      for (const copy of [resized(picture, 64), resized(picture, 300), changed(picture, (value) => value + 10), noisy])
        expect(findNearDuplicate(fingerprint(copy), known)).toBe(String(index));
    }
  });

  it('does not mind the shape of the picture, nor a fingerprint of another kind', () => {
    const wide = paint(200, 20, (x) => x);
    expect(differentBits(fingerprint(wide), fingerprint(paint(20, 200, (x) => 10 * x)))).toBe(0);
    expect(differentBits(fingerprint(wide), fingerprint(paint(200, 20, (x) => 200 - x)))).toBe(256);
    expect(findNearDuplicate(fingerprint(wide), [{ id: 'a', fingerprint: '00' }])).toBeNull();
  });
});

describe('blur', () => {
  it('is not said of the sample photos, and is said of the same ones when they are blurred', () => {
    for (const picture of samples.flat()) {
      expect(looksBlurred(picture, 128)).toBe(false);
      expect(looksBlurred(resized(resized(picture, 16), 128), 128)).toBe(true);
    }
  });

  it('has the value that the formula gives: alternating columns of 0 and 10 have Laplacians of ±20', () => {
    expect(
      sharpness(
        paint(10, 10, (x) => (x % 2) * 10),
        10,
      ),
    ).toBeCloseTo(400, 3);
    expect(
      sharpness(
        paint(10, 10, () => 128),
        10,
      ),
    ).toBeCloseTo(0, 3);
    expect(
      sharpness(
        paint(2, 2, () => 128),
        2,
      ),
    ).toBe(0);
  });
});

describe('kept aside', () => {
  it('one from 6 photos, two from 15, three from 25', () => {
    expect([1, 5, 6, 14, 15, 24, 25, 200].map(keptAsideByDefault)).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  it('the last ones, and never all of them', () => {
    expect(splitPhotos([1, 2, 3, 4], 1)).toEqual({ training: [1, 2, 3], keptAside: [4] });
    expect(splitPhotos([1, 2], 0)).toEqual({ training: [1, 2], keptAside: [] });
    expect(splitPhotos([1, 2], 5)).toEqual({ training: [1], keptAside: [2] });
    expect(splitPhotos([], 1)).toEqual({ training: [], keptAside: [] });
  });
});

describe('captions', () => {
  it('the name sentence stands in for an empty caption', () => {
    expect(nameSentence(' aawxbc ', 'figurine')).toBe('a photo of aawxbc figurine');
    expect(nameSentence('aawxbc', '')).toBe('a photo of aawxbc');
    expect(captionOf('  ', 'aawxbc', 'toy')).toBe('a photo of aawxbc toy');
    expect(captionOf('aawxbc toy on grass', 'aawxbc', 'toy')).toBe('aawxbc toy on grass');
  });
});
