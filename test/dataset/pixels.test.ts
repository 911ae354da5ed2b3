// Crops and the resizing of photos: the pixels that training sees are the ones Pillow would give the reference trainer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { centreCrop, cropSquare } from '../../src/dataset/crop.ts';
import { toPixels } from '../../src/dataset/pixels.ts';
import { resampleSquare } from '../../src/dataset/resample.ts';
import { paint, readPng } from './pictures.ts';

describe('crop', () => {
  it('is the largest square in the middle by default', () => {
    expect(cropSquare(centreCrop, 4000, 3000)).toEqual({ x: 500, y: 0, side: 3000 });
    expect(cropSquare(centreCrop, 128, 128)).toEqual({ x: 0, y: 0, side: 128 });
    expect(cropSquare({ x: 0.25, y: 0.75, size: 0.5 }, 100, 200)).toEqual({ x: 0, y: 125, side: 50 });
  });

  it('never leaves the photo, whatever the page sends', () => {
    const fraction = fc.double({ min: -1, max: 2, noNaN: true });
    const length = fc.integer({ min: 1, max: 5000 });
    fc.assert(
      fc.property(fraction, fraction, fraction, length, length, (x, y, size, width, height) => {
        const square = cropSquare({ x, y, size }, width, height);
        expect(Object.values(square).every(Number.isInteger)).toBe(true);
        expect(Math.min(square.x, square.y)).toBeGreaterThanOrEqual(0);
        expect(square.side).toBeGreaterThanOrEqual(1);
        expect(square.x + square.side).toBeLessThanOrEqual(width);
        expect(square.y + square.side).toBeLessThanOrEqual(height);
      }),
    );
  });
});

describe('resize', () => {
  // Pillow rounds to whole levels after each of its two passes, in fixed point: half a level each, and a little for its 22-bit weights.
  const PILLOW_ROUNDING = 1.01;
  it.each([
    ['busy-50-to-16.png', { x: 5, y: 0, side: 50 }, 16],
    ['busy-20-to-32.png', { x: 7, y: 11, side: 20 }, 32],
  ])('equals Pillow: %s', (name, square, size) => {
    const planes = resampleSquare(readPng('test/fixtures/busy.png'), square, size);
    const pillow = readPng(`test/fixtures/${name}`);
    expect(planes).toHaveLength(3 * size * size);
    let worst = 0;
    for (let i = 0; i < size * size; i++)
      for (let c = 0; c < 3; c++)
        worst = Math.max(worst, Math.abs(planes[c * size * size + i]! - pillow.data[4 * i + c]!));
    expect(worst).toBeLessThanOrEqual(PILLOW_ROUNDING);
    // The control: one pixel further to the right is another picture.
    const shifted = resampleSquare(readPng('test/fixtures/busy.png'), { ...square, x: square.x + 1 }, size);
    expect(Math.max(...planes.map((value, i) => Math.abs(value - shifted[i]!)))).toBeGreaterThan(10);
  });

  it('at its own size a photo is taken over bit for bit, from −1 to 1', () => {
    const ramp = paint(16, 16, (x, y) => 16 * y + x);
    const pixels = toPixels(ramp, { x: 0, y: 0, side: 16 }, 16);
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < 256; i++) expect(pixels[256 * c + i]).toBe(Math.fround(i / 127.5 - 1));
    expect([pixels[0], pixels[255]]).toEqual([-1, 1]);
  });

  it('one pixel becomes a flat picture', () => {
    const pixels = toPixels(
      paint(1, 1, () => 255),
      { x: 0, y: 0, side: 1 },
      8,
    );
    expect(pixels.every((value) => value === 1)).toBe(true);
  });
});
