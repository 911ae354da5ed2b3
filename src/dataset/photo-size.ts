// A picture's size in pixels in; whether a tab can hold it, and how much smaller it should be decoded, out. One rule for every format.
import type { Sides } from '../files/image-size.ts';

/** 16,384 × 16,384: what a canvas may hold, and more than any phone makes (200 megapixels). As pixels it is 1.07 GB, for a moment. */
export const MOST_PIXELS = 16_384 ** 2;
/** Beyond this a photo is made smaller while it is decoded: training sees a thousandth of it. */
const LARGE = 50_000_000;
const SMALLER = 24_000_000;
/** px that the short side keeps: twice what a model is trained at, so that a panorama stays sharp. */
const SHORT_SIDE = 2048;

export const isTooLarge = ({ width, height }: Sides): boolean => width * height > MOST_PIXELS;

/** 1 for a photo that is kept at its own size. */
export function decodingScale({ width, height }: Sides): number {
  if (width * height <= LARGE) return 1;
  return Math.min(1, Math.max(Math.sqrt(SMALLER / (width * height)), SHORT_SIDE / Math.min(width, height)));
}

/** From here on a square shows only a small part of the photo: four to one. */
const LONG = 4;
/** How many squares long a panorama is; null for a photo of an ordinary shape. */
export function squaresLong({ width, height }: Sides): number | null {
  const ratio = Math.max(width, height) / Math.min(width, height);
  return ratio >= LONG ? Math.round(ratio) : null;
}
