// An image file in; an oriented bitmap, or the reason why it cannot be one, out. Runs in a worker.
import { fileKind } from '../files/file-kind.ts';
import { endOf, type ImageStructure, imageStructure } from '../files/image-structure.ts';
import { jpegScans } from '../files/jpeg-scans.ts';
import { bytesOf, MOST_BYTES, unreadable } from './photo-bytes.ts';
import { decodingScale, isTooLarge } from './photo-size.ts';

/**
 * The photo as it is meant to be seen: EXIF orientation applied, a very large one made smaller. Trouble 'photo-unreadable' for anything else.
 * The caller closes it.
 */
export async function decodePhoto(name: string, file: Blob): Promise<ImageBitmap> {
  const { kind, format } = await fileKind(name, file);
  if (kind === 'gone') throw unreadable(name, 'lost', 'a file that cannot be read');
  if (kind !== 'photo') throw unreadable(name, 'not-an-image', `${kind} ${format}`, format);
  if (file.size > MOST_BYTES) throw unreadable(name, 'too-large', `${file.size} bytes`);
  const bytes = await bytesOf(name, file, 'lost');
  const structure = await imageStructure(bytes);
  const early = structure !== null && !structure.complete;
  // Where HEIC cannot be shown at all, that is what there is to say.
  if (early && format !== 'HEIC') throw unreadable(name, 'truncated', `a ${format} file that ends early`);
  const size = structure?.size;
  if (size && isTooLarge(size)) throw unreadable(name, 'too-large', `${size.width} × ${size.height} px`);
  const bitmap = await decoded(file, structure).catch(() => {
    // HEIC in every browser but Safari, TIFF and the like; damage inside the compressed data; or more than the browser wants to hold.
    if (size && decodingScale(size) < 1) throw unreadable(name, 'too-large', `${size.width} × ${size.height} px`);
    throw unreadable(
      name,
      structure && format !== 'HEIC' ? 'damaged' : 'other-format',
      `undecodable ${format}`,
      format,
    );
  });
  // An end marker may have been put behind a part of the picture.
  if (early || (structure?.format === 'jpeg' && endsGrey(bitmap) && jpegScans(bytes) === 'cut')) {
    bitmap.close();
    throw unreadable(name, 'truncated', `a part of a ${format}`);
  }
  return bitmap;
}

async function decoded(file: Blob, structure: ImageStructure | null): Promise<ImageBitmap> {
  const { complete, format, size } = structure ?? {};
  const end = complete === 'but-for-its-end' && format && endOf[format];
  const whole = end ? new Blob([file, end], { type: file.type }) : file;
  const scale = size ? decodingScale(size) : 1;
  return createImageBitmap(whole, {
    imageOrientation: 'from-image',
    ...(size && scale < 1 && { resizeWidth: Math.round(size.width * scale), resizeQuality: 'high' }),
  });
}

/** What decoders draw where a JPEG's data is missing: its middle grey, down to the last row. */
function endsGrey(bitmap: ImageBitmap): boolean {
  const { width, height } = bitmap;
  const { data } = flattened(bitmap, { x: 0, y: height - 1, width, height: 1 });
  return data.every((value, i) => i % 4 === 3 || Math.abs(value - 128) <= 1);
}

/**
 * A part of the bitmap as opaque pixels, `scale` times its size. Transparent parts become white: the colours hidden under full transparency are
 * arbitrary (often black) and would be learned as a background nobody ever saw; white is what cut-outs are shown on.
 */
export function flattened(
  bitmap: ImageBitmap,
  part: { x: number; y: number; width: number; height: number },
  scale = 1,
): ImageData {
  const context = whiteCanvas(
    Math.max(1, Math.round(part.width * scale)),
    Math.max(1, Math.round(part.height * scale)),
  );
  const { width, height } = context.canvas;
  context.drawImage(bitmap, part.x, part.y, part.width, part.height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
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
