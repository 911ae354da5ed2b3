// An image file's bytes in; its format, its size in pixels, and whether the picture is all there out.
// Browsers draw the upper half of a truncated JPEG without a word, and a photo with a grey half would be learned as such. What may be missing
// is what carries no picture: an end marker, or whatever stands behind the picture.
import { imageSize, type Sides } from './image-size.ts';
import { jpegScans } from './jpeg-scans.ts';

export interface ImageStructure {
  format: 'jpeg' | 'png' | 'webp' | 'gif' | 'bmp' | 'isobmff'; // isobmff: AVIF, HEIC
  /** 'but-for-its-end': only the end marker is missing, without which browsers refuse the file. */
  complete: boolean | 'but-for-its-end';
  size: Sides | null; // as it is seen
}

/** Null when the bytes are no image that a browser may know. Looks at the structure only; nothing is decoded. */
export async function imageStructure(bytes: Uint8Array<ArrayBuffer>): Promise<ImageStructure | null> {
  const format = formatOf(bytes);
  return format && { format, complete: await complete[format](bytes), size: imageSize(bytes) };
}

/** The end marker of the formats that can be whole but for it. */
export const endOf: Partial<Record<ImageStructure['format'], Uint8Array<ArrayBuffer>>> = {
  jpeg: Uint8Array.of(0xff, 0xd9),
  png: Uint8Array.of(0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82),
};

function formatOf(bytes: Uint8Array): ImageStructure['format'] | null {
  if (starts(bytes, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (starts(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  if (bytes.length >= 12 && ascii(bytes, 0) === 'RIFF' && ascii(bytes, 8) === 'WEBP') return 'webp';
  if (bytes.length >= 12 && ascii(bytes, 4) === 'ftyp') return 'isobmff';
  if (ascii(bytes, 0) === 'GIF8') return 'gif';
  return bytes.length >= 26 && starts(bytes, [0x42, 0x4d]) && viewOf(bytes).getUint32(6, true) === 0 ? 'bmp' : null;
}

type Complete = ImageStructure['complete'];
const complete: Record<ImageStructure['format'], (bytes: Uint8Array<ArrayBuffer>) => Complete | Promise<Complete>> = {
  jpeg: (bytes) => jpegEnds(bytes) || (jpegScans(bytes) === 'whole' && 'but-for-its-end'),
  png,
  gif,
  isobmff,
  webp: (bytes) => 8 + viewOf(bytes).getUint32(4, true) <= bytes.length,
  bmp: (bytes) => viewOf(bytes).getUint32(2, true) <= bytes.length,
};

// Segments of FF, marker, length, until the end-of-image marker. After a start-of-scan the compressed data runs to the next marker that is
// neither a stuffed zero nor a restart. Whatever follows the end (a phone's second image or video) is not ours.
function jpegEnds(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  let framed = false;
  let at = 2;
  for (;;) {
    at = bytes.indexOf(0xff, at);
    if (at < 0) return false;
    while (bytes[at + 1] === 0xff) at++; // fill bytes
    const marker = bytes[at + 1];
    if (marker === undefined) return false;
    if (marker === 0xd9) return framed;
    at += 2;
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue; // no length, or inside a scan
    const length = at + 2 <= bytes.length ? view.getUint16(at) : Number.POSITIVE_INFINITY;
    if (length < 2 || at + length > bytes.length) return false;
    framed ||= marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    at += length;
  }
}

// Chunks of length, type, data, checksum, until IEND. Without one, the compressed rows tell by themselves whether they are all there.
async function png(bytes: Uint8Array<ArrayBuffer>): Promise<Complete> {
  const view = viewOf(bytes);
  const data: Uint8Array<ArrayBuffer>[] = [];
  let framed = false;
  let at = 8;
  for (; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = ascii(bytes, at + 4);
    if (type === 'IEND') return framed;
    framed ||= type === 'IHDR' && at + 16 <= bytes.length;
    if (type === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  return framed && at === bytes.length && data.length > 0 && (await inflates(data)) && 'but-for-its-end';
}

/** Whether it is one whole zlib stream, down to its checksum. */
async function inflates(data: Uint8Array<ArrayBuffer>[]): Promise<boolean> {
  try {
    await new Blob(data).stream().pipeThrough(new DecompressionStream('deflate')).pipeTo(new WritableStream());
    return true;
  } catch {
    return false;
  }
}

// Blocks after the header and its palette; the first picture is the one that is used, and it ends with an empty sub-block.
function gif(bytes: Uint8Array): boolean {
  const palette = (flags = 0) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + palette(bytes[10]);
  for (;;) {
    const block = bytes[at];
    if (block === 0x2c) at += 11 + palette(bytes[at + 9]);
    else if (block === 0x21) at += 2;
    else return false; // the end of the file, or of the pictures before the first
    for (let length = bytes[at]; length !== 0; length = bytes[at]) {
      if (length === undefined) return false;
      at += 1 + length;
    }
    at++;
    if (block === 0x2c) return true;
  }
}

// ISO boxes of size and type, one after another; size 1: 64 bits follow, size 0: up to the end. Once what describes the picture (meta, moov)
// and its data (mdat) are there, what stands behind them is not ours.
function isobmff(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  const seen = new Set<string>();
  for (let at = 0; at + 8 <= bytes.length; ) {
    const short = view.getUint32(at);
    const long = short === 1 && at + 16 <= bytes.length ? Number(view.getBigUint64(at + 8)) : short;
    const end = short === 0 ? bytes.length : at + long;
    if (end < at + 8 || end > bytes.length) break;
    seen.add(ascii(bytes, at + 4));
    at = end;
  }
  return seen.has('mdat') && (seen.has('meta') || seen.has('moov'));
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const starts = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);
const ascii = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
