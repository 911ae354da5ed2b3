// The square never leaves the picture, whatever is done to it, and a frame shows exactly what the square holds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cropBox, moved, placed, resized, smallestSize, withinPicture } from '../../src/ui/photos/crop-geometry.ts';

const sides = fc.record({ width: fc.integer({ min: 1, max: 6000 }), height: fc.integer({ min: 1, max: 6000 }) });
const share = fc.double({ min: -2, max: 3, noNaN: true });
const crop = fc.record({ x: share, y: share, size: share });

describe('crop', () => {
  test('stays within the picture however it is moved and resized', () => {
    fc.assert(
      fc.property(sides, crop, share, share, share, (picture, start, dx, dy, size) => {
        for (const result of [
          withinPicture(picture, start),
          moved(picture, start, dx, dy),
          resized(picture, start, size),
        ]) {
          const box = cropBox(picture, result);
          expect(result.size).toBeGreaterThanOrEqual(smallestSize);
          expect(box.left).toBeGreaterThanOrEqual(-1e-9);
          expect(box.top).toBeGreaterThanOrEqual(-1e-9);
          expect(box.left + box.width).toBeLessThanOrEqual(1 + 1e-9);
          expect(box.top + box.height).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
    );
  });

  test('is square in pixels', () => {
    const picture = { width: 800, height: 600 };
    const box = cropBox(picture, { x: 0.5, y: 0.5, size: 0.5 });
    expect(box.width * picture.width).toBeCloseTo(300);
    expect(box.height * picture.height).toBeCloseTo(300);
    expect(box.left).toBeCloseTo(0.5 - 150 / 800);
  });

  test('the largest square of a wide picture moves sideways only', () => {
    const wide = { width: 1000, height: 500 };
    expect(moved(wide, { x: 0.5, y: 0.5, size: 1 }, 0.1, 0.3)).toEqual({ x: 0.6, y: 0.5, size: 1 });
    expect(moved(wide, { x: 0.5, y: 0.5, size: 1 }, 0.9, 0).x).toBe(0.75);
  });

  test('a frame enlarges the picture until the square fills it', () => {
    expect(placed({ width: 400, height: 200 }, { x: 0.5, y: 0.5, size: 1 })).toContain(
      'width:200%;height:100%;left:-50%;top:0%',
    );
  });
});
