// An image file in; an oriented bitmap, or the reason why it cannot be one, out. Runs in a worker.
import { imageStructure } from '../files/image-structure.ts';
import { Trouble, type TroubleFacts } from '../trouble.ts';

// 100 megapixels are 400 MB as pixels. Phones make 12 to 50; beyond this a tab may simply be killed, photos and all.
const MAX_PIXELS = 100_000_000;
const MAX_FILE_BYTES = 200_000_000;

const unreadable = (file: string, reason: TroubleFacts['photo-unreadable']['reason'], got: string) =>
  new Trouble(
    'photo-unreadable',
    { file, reason },
    `${file}: expected a whole JPEG, PNG, WebP or AVIF image, got ${got}.`,
  );

/** The photo as it is meant to be seen: EXIF orientation applied. Trouble 'photo-unreadable' for anything else. The caller closes it. */
export async function decodePhoto(name: string, file: Blob): Promise<ImageBitmap> {
  if (file.size > MAX_FILE_BYTES) throw unreadable(name, 'too-large', `${file.size} bytes`);
  const structure = imageStructure(new Uint8Array(await file.arrayBuffer()));
  if (!structure) throw unreadable(name, 'not-an-image', 'something else');
  if (!structure.complete) throw unreadable(name, 'truncated', `a ${structure.format} file that ends early`);
  if (structure.size && structure.size.width * structure.size.height > MAX_PIXELS)
    throw unreadable(name, 'too-large', `${structure.size.width} × ${structure.size.height} px`);
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    // HEIC in every browser but Safari, or damage inside the compressed data.
    throw unreadable(name, 'not-an-image', `${structure.format} data that this browser cannot decode`);
  }
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
