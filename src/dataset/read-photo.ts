// A dropped file in; its size, thumbnail, fingerprint and what speaks against using it out. Runs in a worker.
import { Trouble } from '../trouble.ts';
import { flattened, jpegOf } from './canvas.ts';
import { decodePhoto } from './decode.ts';
import { findNearDuplicate, fingerprint } from './fingerprint.ts';
import { squaresLong } from './photo-size.ts';
import { looksBlurred } from './sharpness.ts';

export interface PhotoReading {
  width: number; // px, after EXIF orientation
  height: number;
  thumbnail: Blob; // PNG or JPEG, ≤ 512 px, oriented
  fingerprint: string; // perceptual hash, for near-duplicates
  flags: PhotoFlag[];
}
export type PhotoFlag =
  | { kind: 'too-small'; shortSide: number; needs: number }
  | { kind: 'near-duplicate'; of: string }
  | { kind: 'blurred' }
  | { kind: 'panorama'; squares: number } // so many squares long
  | { kind: 'mask' }; // lies beside its picture, for trainers that read masks: told by its name

const THUMBNAIL_PX = 512;
// Every pixel of such a photo would be blown up more than eight times: there is nothing to learn from, so "use anyway" is not offered.
const SMALLEST_PART_OF_RESOLUTION = 1 / 8;

/** Trouble 'photo-unreadable' or 'photo-too-small' when it cannot be used at all; flags when the user should decide. */
export async function readPhoto(
  name: string,
  file: Blob,
  known: readonly { id: string; fingerprint: string }[],
  resolution: number,
): Promise<PhotoReading> {
  const bitmap = await decodePhoto(name, file);
  try {
    const { width, height } = bitmap;
    const shortSide = Math.min(width, height);
    if (shortSide < resolution * SMALLEST_PART_OF_RESOLUTION)
      throw new Trouble(
        'photo-too-small',
        { file: name, width, height, needs: resolution },
        `${name}: expected at least ${resolution} px on the short side, got ${width} × ${height}. Choose a larger photo.`,
      );
    const scale = Math.min(1, THUMBNAIL_PX / Math.max(width, height));
    const small = flattened(name, bitmap, { x: 0, y: 0, width, height }, scale);
    const print = fingerprint(small);
    const flags: PhotoFlag[] = [];
    if (shortSide < resolution) flags.push({ kind: 'too-small', shortSide, needs: resolution });
    const twin = findNearDuplicate(print, known);
    if (twin !== null) flags.push({ kind: 'near-duplicate', of: twin });
    const squares = squaresLong(bitmap);
    if (squares !== null) flags.push({ kind: 'panorama', squares });
    if (looksBlurred(small, resolution)) flags.push({ kind: 'blurred' });
    return { width, height, thumbnail: await jpegOf(small), fingerprint: print, flags };
  } finally {
    bitmap.close();
  }
}
