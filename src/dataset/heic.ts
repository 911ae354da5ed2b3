// A photo as it was dropped in; where it is a HEIC that this browser does not show, a JPEG of the same picture out. One is decoded at a time.
import { transfer, wrap } from 'comlink';
import { fileKind } from '../files/file-kind.ts';
import { imageStructure } from '../files/image-structure.ts';
import type { HeicAnswer, HeicWorker } from './heic.worker.ts';
import type { HeicPixels } from './heic-decoder.ts';
import { bytesOf, unreadable } from './photo-bytes.ts';
import { isTooLarge } from './photo-size.ts';

/** Of the JPEG: what it loses is far below what is left at the sizes that are learned. */
const QUALITY = 0.95;
/** A series of photos shares one decoder; then its memory is given back. */
const IDLE_MS = 5000;

/**
 * Every other file as it is, and so is a HEIC that is cut short, too large, or met without the decoder: `decodePhoto` says what is wrong with those.
 * Throws Trouble 'photo-unreadable', 'damaged', where the decoder refuses it.
 */
export async function asShown(name: string, file: Blob): Promise<Blob> {
  const { kind, format } = await fileKind(name, file);
  if (kind !== 'photo' || format !== 'HEIC' || (await shows(file))) return file;
  const bytes = await bytesOf(name, file, 'lost');
  const structure = await imageStructure(bytes);
  if (!structure?.complete || (structure.size && isTooLarge(structure.size))) return file;
  const answer = await inTurn(bytes).catch((error: unknown) => {
    console.warn(error);
    return null;
  });
  if (!answer) return file;
  if ('words' in answer) throw unreadable(name, 'damaged', `a HEIC that libheif refuses`, format, answer.words);
  return jpeg(answer);
}

/** Safari does. */
const shows = (file: Blob): Promise<boolean> =>
  createImageBitmap(file, { resizeWidth: 8 }).then(
    (bitmap) => {
      bitmap.close();
      return true;
    },
    () => false,
  );

async function jpeg({ data, width, height, colorSpace }: HeicPixels): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error(`a ${width} × ${height} px canvas was refused by the browser`);
  // The canvas is sRGB: colours of another space become the same colours in it.
  context.putImageData(new ImageData(data, width, height, { colorSpace }), 0, 0);
  // What is transparent is white, as everywhere: src/dataset/canvas.ts.
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  return canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
}

let last: Promise<unknown> = Promise.resolve();
let here: { decode(bytes: Uint8Array<ArrayBuffer>): Promise<HeicAnswer>; end(): void } | null = null;
let idle: ReturnType<typeof setTimeout> | undefined;

function inTurn(bytes: Uint8Array<ArrayBuffer>): Promise<HeicAnswer> {
  const turn = last.then(async () => {
    clearTimeout(idle);
    here ??= start();
    try {
      return await here.decode(bytes);
    } catch (error) {
      here.end();
      here = null;
      throw error;
    } finally {
      idle = setTimeout(() => {
        here?.end();
        here = null;
      }, IDLE_MS);
    }
  });
  last = turn.catch(() => {});
  return turn;
}

/** Comlink never hears of a worker whose script did not load. */
function start(): NonNullable<typeof here> {
  const worker = new Worker(new URL('./heic.worker.ts', import.meta.url), { type: 'module', name: 'heic' });
  const remote = wrap<HeicWorker>(worker);
  const { promise: ended, reject: end } = Promise.withResolvers<never>();
  ended.catch(() => {});
  worker.onerror = (event) => end(new Error(`the HEIC worker failed: ${event.message || 'its script did not load'}`));
  return {
    decode: (bytes) => Promise.race([remote.decode(transfer(bytes, [bytes.buffer])), ended]),
    end: () => worker.terminate(),
  };
}
