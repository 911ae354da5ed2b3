// A file of the user's in; its bytes, or a copy of our own that nothing outside can change, out. Who cannot be read any more is named.
import { Trouble, type TroubleFacts } from '../trouble.ts';

/** The largest file whose pixels a tab could hold is a BMP of as many. */
export const MOST_BYTES = 1_100_000_000;

type Reason = TroubleFacts['photo-unreadable']['reason'];
/** `words`: the browser's own, where it said any. */
export const unreadable = (file: string, reason: Reason, got: string, format = '', words = '') =>
  new Trouble(
    'photo-unreadable',
    { file, reason, format, ...(words && { words }) },
    `${file}: expected a whole JPEG, HEIC, PNG, WebP or AVIF image, got ${got}.`,
  );

/** `ifNot`: why it cannot be read, should that be so: the user's own file is gone, or our copy of it is lost. */
export async function bytesOf(name: string, file: Blob, ifNot: 'gone' | 'lost'): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw unreadable(name, ifNot, `nothing (${error instanceof Error ? error.message : error})`);
  }
}

/**
 * A dropped file is only a name for what lies on the disk: once that is edited, moved or unplugged, it cannot be read any more. The copy can.
 * In memory until it is stored.
 */
export async function ownCopy(name: string, file: Blob): Promise<Blob> {
  if (file.size > MOST_BYTES) throw unreadable(name, 'too-large', `${file.size} bytes`);
  return new Blob([await bytesOf(name, file, 'gone')], { type: file.type });
}
