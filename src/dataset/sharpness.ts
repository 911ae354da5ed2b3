// A picture and the size at which the model will see it in; how sharp it is out.
import { centreCrop, cropSquare } from './crop.ts';
import { luma, type RgbaPicture, resampleSquare } from './resample.ts';

/**
 * Variance of the Laplacian below which a photo is called blurred, in grey levels² at the model's resolution. Measured: sharp photos have 53 to
 * 2,400 at 128, 256 and 512 px and the softest sample picture 64; the same photos blurred by 1.5 % of their width 1 to 22. Advice only.
 */
const BLURRED_BELOW = 15;

/** Whether the middle of the picture lacks fine detail at `resolution` px. A smaller picture is judged at its own size. */
export function looksBlurred(picture: RgbaPicture, resolution: number): boolean {
  const square = cropSquare(centreCrop, picture.width, picture.height);
  return sharpness(picture, Math.min(resolution, square.side)) < BLURRED_BELOW;
}

/** Variance of the Laplacian of the centre square at `size` px: (Pech-Pacheco et al. 2000). */
export function sharpness(picture: RgbaPicture, size: number): number {
  if (size < 3) return 0;
  const grey = luma(resampleSquare(picture, cropSquare(centreCrop, picture.width, picture.height), size));
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < size - 1; y++)
    for (let x = 1; x < size - 1; x++) {
      const at = y * size + x;
      const value = 4 * grey[at]! - grey[at - 1]! - grey[at + 1]! - grey[at - size]! - grey[at + size]!;
      sum += value;
      squares += value * value;
    }
  const count = (size - 2) ** 2;
  return squares / count - (sum / count) ** 2;
}
