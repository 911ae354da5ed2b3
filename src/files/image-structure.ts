// An image file's bytes in; its format, its size in pixels where the header says it plainly, and whether the file is all there out.
// Browsers draw the upper half of a truncated JPEG without a word, and a photo with a grey half would be learned as such.

export interface ImageStructure {
  format: 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'isobmff'; // isobmff: AVIF, HEIC
  complete: boolean;
  size: { width: number; height: number } | null; // as stored, before EXIF orientation
}

/** Null when the bytes are no image that a browser may know. Looks at the structure only; nothing is decoded. */
export function imageStructure(bytes: Uint8Array): ImageStructure | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (starts(bytes, [0xff, 0xd8, 0xff])) return jpeg(bytes, view);
  if (starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return png(view);
  if (bytes.length >= 12 && ascii(bytes, 0) === 'RIFF' && ascii(bytes, 8) === 'WEBP')
    return { format: 'webp', complete: 8 + view.getUint32(4, true) <= bytes.length, size: null };
  if (bytes.length >= 12 && ascii(bytes, 4) === 'ftyp')
    return { format: 'isobmff', complete: boxesFit(view), size: null };
  if (ascii(bytes, 0) === 'GIF8') return { format: 'gif', complete: lastByte(bytes) === 0x3b, size: null };
  if (bytes.length >= 26 && starts(bytes, [0x42, 0x4d]) && view.getUint32(6, true) === 0)
    return { format: 'bmp', complete: view.getUint32(2, true) <= bytes.length, size: null };
  return null;
}

// Segments of FF, marker, length, until the end-of-image marker. After a start-of-scan the compressed data runs to the next marker that is
// neither a stuffed zero nor a restart. Whatever follows the end (a phone's second image or video) is not ours.
function jpeg(bytes: Uint8Array, view: DataView): ImageStructure {
  let size: ImageStructure['size'] = null;
  let at = 2;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0) return { format: 'jpeg', complete: false, size };
    while (bytes[at + 1] === 0xff) at++; // fill bytes
    const marker = bytes[at + 1];
    if (marker === undefined) return { format: 'jpeg', complete: false, size };
    if (marker === 0xd9) return { format: 'jpeg', complete: size !== null, size };
    at += 2;
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue; // no length, or inside a scan
    const length = at + 2 <= bytes.length ? view.getUint16(at) : Number.POSITIVE_INFINITY;
    if (length < 2 || at + length > bytes.length) return { format: 'jpeg', complete: false, size };
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame && length >= 7) size = { width: view.getUint16(at + 5), height: view.getUint16(at + 3) };
    at += length;
  }
}

// Chunks of length, type, data, checksum, until IEND.
function png(view: DataView): ImageStructure {
  let size: ImageStructure['size'] = null;
  for (let at = 8; at + 12 <= view.byteLength; at += 12 + view.getUint32(at)) {
    const type = view.getUint32(at + 4);
    if (type === 0x49484452 && at + 16 <= view.byteLength)
      size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    if (type === 0x49454e44) return { format: 'png', complete: size !== null, size };
  }
  return { format: 'png', complete: false, size };
}

// ISO boxes of size and type, one after another to the end of the file; size 1: 64 bits follow, size 0: up to the end.
function boxesFit(view: DataView): boolean {
  let at = 0;
  while (at + 8 <= view.byteLength) {
    const short = view.getUint32(at);
    if (short === 0) return true;
    const long = short === 1 && at + 16 <= view.byteLength ? Number(view.getBigUint64(at + 8)) : short;
    if (long < 8) return false;
    at += long;
  }
  return at <= view.byteLength; // up to 7 bytes after the last box are padding
}

const starts = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
const ascii = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

function lastByte(bytes: Uint8Array): number | undefined {
  let at = bytes.length - 1;
  while (bytes[at] === 0) at--; // some writers pad
  return bytes[at];
}
