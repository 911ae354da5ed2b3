// An image file's bytes in; how large the picture is, without decoding it, out. Every format is asked the same way.
import { imageSize as sizesOf } from 'image-size';

export interface Sides {
  width: number; // px
  height: number;
}

/** As it is seen: width and height change places where a JPEG's EXIF block turns it by a quarter. Null when the header does not say, or is none. A file of several pictures has the size of its largest. */
export function imageSize(bytes: Uint8Array): Sides | null {
  try {
    const found = sizesOf(bytes);
    // Browsers heed it in JPEG files only.
    if (found.type === 'jpg' && (found.orientation ?? 1) >= 5) return { width: found.height, height: found.width };
    const all = [found, ...(found.images ?? [])].filter(({ width, height }) => width > 0 && height > 0);
    return all.reduce<Sides | null>(
      (most, { width, height }) => (most && most.width * most.height >= width * height ? most : { width, height }),
      null,
    );
  } catch {
    return null; // the library throws on what it does not know
  }
}
