// A PNG's bytes in; a text that lies in it out, or the same PNG with one more text in it. Nothing is decoded.
import { crc32 } from 'hash-wasm';

/** Where A1111 and its kin keep what a picture was drawn by. */
export const PICTURE_KEYWORD = 'parameters';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Length, type and checksum of a chunk. */
const FRAME = 12;
/** Signature and IHDR, which every PNG begins with. */
const HEAD = 8 + FRAME + 13;

/**
 * The text that the PNG keeps under `keyword`, null where there is none or the bytes are no PNG. `bytes` may be the file's beginning: texts stand before
 * the picture where programs that draw write them. Reads tEXt and uncompressed iTXt (PNG 3, §11.3.3), as Pillow writes them.
 */
export function pngText(bytes: Uint8Array, keyword: string): string | null {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + FRAME <= bytes.length; at += FRAME + view.getUint32(at)) {
    const data = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    if (at + FRAME + view.getUint32(at) > bytes.length) return null;
    const type = latin1(bytes.subarray(at + 4, at + 8));
    if (type === 'IDAT' || type === 'IEND') return null;
    const end = data.indexOf(0);
    if (end < 1 || latin1(data.subarray(0, end)) !== keyword) continue;
    if (type === 'tEXt') return latin1(data.subarray(end + 1));
    // Not compressed, then a language tag and the keyword in that language, each ended by a zero.
    if (type === 'iTXt' && data[end + 1] === 0) {
      const text = data.indexOf(0, data.indexOf(0, end + 3) + 1) + 1;
      return new TextDecoder().decode(data.subarray(text));
    }
  }
  return null;
}

/** The PNG with `text` under `keyword` (Latin letters, at most 79): tEXt where Latin-1 has its letters, else iTXt. RangeError for what is no PNG. */
export async function withPngText(
  png: Uint8Array<ArrayBuffer>,
  keyword: string,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (png.length < HEAD || !SIGNATURE.every((byte, i) => png[i] === byte)) throw new RangeError('expected a PNG');
  const plain = [...text].every((letter) => letter <= '\u00ff' && letter !== '\0');
  const type = plain ? 'tEXt' : 'iTXt';
  const value = plain ? Uint8Array.from(text, (letter) => letter.charCodeAt(0)) : new TextEncoder().encode(text);
  // iTXt: not compressed (two bytes), no language, no translated keyword.
  const typed = joined(ascii(type), ascii(keyword), new Uint8Array(plain ? 1 : 5), value);
  const sum = Number.parseInt(await crc32(typed), 16);
  return joined(png.subarray(0, HEAD), word(typed.length - 4), typed, word(sum), png.subarray(HEAD));
}

const ascii = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
/** `TextDecoder('latin1')` is windows-1252. */
const latin1 = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

function word(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
