// An image file in; an oriented bitmap, or the reason why it cannot be one, out. Runs in a worker.
import { fileKind } from '../files/file-kind.ts';
import { endOf, type ImageStructure, imageStructure } from '../files/image-structure.ts';
import { jpegScans } from '../files/jpeg-scans.ts';
import { flattened } from './canvas.ts';
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
  if (early) throw unreadable(name, 'truncated', `a ${format} file that ends early`);
  const size = structure?.size;
  if (size && isTooLarge(size)) throw unreadable(name, 'too-large', `${size.width} × ${size.height} px`);
  const bitmap = await decoded(new Blob([bytes], { type: file.type }), structure).catch((error: unknown) => {
    const words = error instanceof Error ? error.message : String(error);
    // HEIC where its decoder is not here (src/dataset/heic.ts), TIFF and the like; damage inside the compressed data; or more than the browser wants to hold.
    if (size && decodingScale(size) < 1)
      throw unreadable(name, 'too-large', `${size.width} × ${size.height} px`, '', words);
    const reason = structure && format !== 'HEIC' ? 'damaged' : 'other-format';
    throw unreadable(name, reason, `undecodable ${format} (${words})`, format, words);
  });
  // An end marker may have been put behind a part of the picture.
  if (structure?.format === 'jpeg' && endsGrey(name, bitmap) && jpegScans(bytes) === 'cut') {
    bitmap.close();
    throw unreadable(name, 'truncated', `a part of a ${format}`);
  }
  return bitmap;
}

/** Some browsers refuse options that they do not know, or run out of memory for them: without any, the same picture may come. */
async function decoded(file: Blob, structure: ImageStructure | null): Promise<ImageBitmap> {
  const { complete, format, size } = structure ?? {};
  const end = complete === 'but-for-its-end' && format && endOf[format];
  const whole = end ? new Blob([file, end], { type: file.type }) : file;
  const scale = size ? decodingScale(size) : 1;
  const smaller = size && scale < 1 && { resizeWidth: Math.round(size.width * scale), resizeQuality: 'high' as const };
  return createImageBitmap(whole, { imageOrientation: 'from-image', ...smaller }).catch(() => createImageBitmap(whole));
}

/** The whole picture at `width` px, decoded by itself: what a large one is compared with. */
export const decodeSmall = (file: Blob, width: number): Promise<ImageBitmap> =>
  createImageBitmap(file, { imageOrientation: 'from-image', resizeWidth: width, resizeQuality: 'high' });

/** What decoders draw where a JPEG's data is missing: its middle grey, down to the last row. */
function endsGrey(name: string, bitmap: ImageBitmap): boolean {
  const { width, height } = bitmap;
  const { data } = flattened(name, bitmap, { x: 0, y: height - 1, width, height: 1 });
  return data.every((value, i) => i % 4 === 3 || Math.abs(value - 128) <= 1);
}
