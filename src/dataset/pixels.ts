// A photo's file and its crop in; the (3, size, size) values in [−1, 1] that the VAE encodes out.
import { flattened, inStrips, isOneColour } from './canvas.ts';
import { type Crop, cropSquare, type Placed, type Square } from './crop.ts';
import { decodePhoto, decodeSmall } from './decode.ts';
import { unreadable } from './photo-bytes.ts';
import { type RgbaPicture, resampleSquare } from './resample.ts';

const SMALL_PX = 256;
/** Of a small picture: what its decoder rounds, and what a crop's edge takes from beside it. */
const [SMALL_LEVELS, INNER] = [8, 0.8];

/** Decodes, orients, flattens, crops and resizes. For a worker: it holds the whole picture for a moment. */
export async function photoPixels(
  name: string,
  file: Blob,
  crop: Crop | Placed,
  resolution: number,
): Promise<Float32Array<ArrayBuffer>> {
  const bitmap = await decodePhoto(name, file);
  try {
    const { x, y, side } = cropSquare(crop, bitmap.width, bitmap.height);
    const picture = inStrips(name, bitmap, { x, y, width: side, height: side });
    if (isOneColour(picture) && !(await isOneColourSmall(name, file, crop)))
      throw unreadable(name, 'blank', `one colour of a ${side} px square that has several`);
    return toPixels(picture, { x: 0, y: 0, side }, resolution);
  } finally {
    bitmap.close();
  }
}

/** Is there nothing to see in this crop? Canvases short of memory give one colour for what they could not draw; a small picture never is. */
async function isOneColourSmall(name: string, file: Blob, crop: Crop | Placed): Promise<boolean> {
  const small = await decodeSmall(file, SMALL_PX).catch(() => null);
  if (!small) return true; // nothing speaks against it
  const { x, y, side } = cropSquare({ ...crop, size: crop.size * INNER }, small.width, small.height);
  const picture = flattened(name, small, { x, y, width: side, height: side });
  small.close();
  return isOneColour(picture, SMALL_LEVELS);
}

/** 0…255 → −1…1, as torchvision's ToTensor and Normalize(0.5, 0.5) do. */
export function toPixels(picture: RgbaPicture, square: Square, resolution: number): Float32Array<ArrayBuffer> {
  return resampleSquare(picture, square, resolution).map((value) => value / 127.5 - 1);
}
