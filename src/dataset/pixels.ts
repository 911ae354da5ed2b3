// A photo's file and its crop in; the (3, size, size) values in [−1, 1] that the VAE encodes out.
import type { Crop } from './crop.ts';
import { cropSquare, type Square } from './crop.ts';
import { decodePhoto, flattened } from './decode.ts';
import { type RgbaPicture, resampleSquare } from './resample.ts';

/** Decodes, orients, flattens, crops and resizes. For a worker: it holds the whole picture for a moment. */
export async function photoPixels(
  name: string,
  file: Blob,
  crop: Crop,
  resolution: number,
): Promise<Float32Array<ArrayBuffer>> {
  const bitmap = await decodePhoto(name, file);
  try {
    const { x, y, side } = cropSquare(crop, bitmap.width, bitmap.height);
    return toPixels(flattened(bitmap, { x, y, width: side, height: side }), { x: 0, y: 0, side }, resolution);
  } finally {
    bitmap.close();
  }
}

/** 0…255 → −1…1, as torchvision's ToTensor and Normalize(0.5, 0.5) do. */
export function toPixels(picture: RgbaPicture, square: Square, resolution: number): Float32Array<ArrayBuffer> {
  return resampleSquare(picture, square, resolution).map((value) => value / 127.5 - 1);
}
