// A bitmap and a part of it in; its opaque pixels out, in strips that every browser's canvas can hold. A canvas that gives nothing is noticed.
import { unreadable } from './photo-bytes.ts';
import type { RgbaPicture } from './resample.ts';

/** px read at once. iOS gives nothing of a canvas above 16.7 million, and less where memory is short. */
const STRIP = 4_000_000;

interface Part {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A part of the bitmap at its own size. Strips are whole rows, so that no pixel is another than in one piece. Trouble as `flattened`'s. */
export function inStrips(name: string, bitmap: ImageBitmap, { x, y, width, height }: Part): RgbaPicture {
  const rows = Math.max(1, Math.floor(STRIP / width));
  if (rows >= height) return flattened(name, bitmap, { x, y, width, height });
  const data = new Uint8ClampedArray(4 * width * height);
  for (let from = 0; from < height; from += rows) {
    const strip = { x, y: y + from, width, height: Math.min(rows, height - from) };
    data.set(flattened(name, bitmap, strip).data, 4 * width * from);
  }
  return { width, height, data };
}

/**
 * A part of the bitmap as opaque pixels, `scale` times its size. Transparent parts become white: the colours hidden under full transparency are
 * arbitrary (often black) and would be learned as a background nobody ever saw; white is what cut-outs are shown on.
 * @throws Trouble 'photo-unreadable', 'blank', where the canvas gives nothing.
 */
export function flattened(name: string, bitmap: ImageBitmap, part: Part, scale = 1): ImageData {
  const context = whiteCanvas(
    Math.max(1, Math.round(part.width * scale)),
    Math.max(1, Math.round(part.height * scale)),
  );
  const { width, height } = context.canvas;
  context.drawImage(bitmap, part.x, part.y, part.width, part.height, 0, 0, width, height);
  const picture = context.getImageData(0, 0, width, height);
  // It was filled with white first: nothing in it is transparent.
  if (picture.data[3] !== 255 || picture.data.at(-1) !== 255)
    throw unreadable(name, 'blank', `nothing of a ${width} × ${height} px canvas`);
  return picture;
}

/** Whether all pixels have one colour, within `levels` of 255. */
export function isOneColour({ data }: RgbaPicture, levels = 0): boolean {
  for (let i = 0; i < data.length; i++)
    if (i % 4 !== 3 && Math.abs((data[i] as number) - (data[i % 4] as number)) > levels) return false;
  return true;
}

/** `picture` as a JPEG file, for showing. */
export async function jpegOf(picture: ImageData): Promise<Blob> {
  const context = whiteCanvas(picture.width, picture.height);
  context.putImageData(picture, 0, 0);
  return context.canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
}

function whiteCanvas(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const canvas = new OffscreenCanvas(width, height);
  // willReadFrequently keeps the pixels in memory: a readback from the GPU would compete with the training step.
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error(`a ${width} × ${height} px canvas was refused by the browser`);
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  return context;
}
