// The square crop, in numbers: from the api's centre and side to boxes on screen, moved and resized without leaving the picture.
import type { Crop } from '../../worker/api.ts';

export interface Sides {
  width: number; // px, oriented
  height: number;
}
export const smallestSize = 0.2; // of the short side

/** The square as fractions of the picture's width and height. */
export function cropBox(
  { width, height }: Sides,
  crop: Crop,
): { left: number; top: number; width: number; height: number } {
  const side = crop.size * Math.min(width, height);
  const [w, h] = [side / width, side / height];
  return { left: crop.x - w / 2, top: crop.y - h / 2, width: w, height: h };
}

/** The nearest crop that lies wholly in the picture. */
export function withinPicture(sides: Sides, crop: Crop): Crop {
  const size = clamp(crop.size, smallestSize, 1);
  const { width, height } = cropBox(sides, { ...crop, size });
  return { size, x: clamp(crop.x, width / 2, 1 - width / 2), y: clamp(crop.y, height / 2, 1 - height / 2) };
}

/** Moved by fractions of the picture's width and height. */
export const moved = (sides: Sides, crop: Crop, dx: number, dy: number): Crop =>
  withinPicture(sides, { ...crop, x: crop.x + dx, y: crop.y + dy });

/** The same centre, as far as the edges allow, at another size. */
export const resized = (sides: Sides, crop: Crop, size: number): Crop => withinPicture(sides, { ...crop, size });

/** How a picture lies in a square frame that shows only the crop: CSS percentages. */
export function placed(sides: Sides, crop: Crop): string {
  const box = cropBox(sides, crop);
  const [width, height] = [100 / box.width, 100 / box.height];
  return `position:absolute;max-width:none;width:${width}%;height:${height}%;left:${-box.left * width}%;top:${-box.top * height}%`;
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
