// A tensor's bytes as its file has them → what the GPU is given, piece by piece: converted to f16 and turned channels-last.
import { bf16ToF16, toF16 } from '../tensor/half.ts';
import { lastDim, numel, Q8 } from '../tensor/tensor.ts';

/** Halves worked on at a time: what a processor's cache holds, and little enough to be written at once. */
const PIECE_HALVES = 2 ** 20;

export interface Piece {
  readonly first: number; // weights before it
  readonly halves: Uint16Array<ArrayBuffer>; // good until the next piece is asked for
}

/** A file's numbers as f16 bits: laid over its bytes where they are f16 already. Null: a format this cannot read. */
export function halvesOf(bytes: Uint8Array<ArrayBuffer>, dtype: string): Uint16Array<ArrayBuffer> | null {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === 'F16') return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (dtype === 'BF16') return bf16ToF16(new Uint16Array(buffer, byteOffset, byteLength / 2));
  if (dtype === 'F32') return toF16(new Float32Array(buffer, byteOffset, byteLength / 4));
  return null;
}

/** The most halves that a piece of such a weight has: whole output channels, so many that they are whole q8 groups and words. */
export function pieceHalves(shape: readonly number[]): number {
  const row = numel(shape) / (shape[0] as number);
  const rows = Math.max(1, Math.floor(PIECE_HALVES / row / Q8.group)) * Q8.group;
  return Math.min(numel(shape), rows * row);
}

/**
 * The pieces of one weight, in order. Convolutions are turned from (O, I, 3, 3) to (O, 3, 3, I).
 * @param halves f16 bits in the file's order.
 */
export function* pieces(shape: readonly number[], halves: Uint16Array<ArrayBuffer>): Generator<Piece> {
  const step = pieceHalves(shape);
  const conv = shape.length === 4;
  const turned = new Uint16Array(conv ? step : 0);
  for (let first = 0; first < halves.length; first += step) {
    const given = halves.subarray(first, first + step);
    yield { first, halves: conv ? channelsLast(given, lastDim(shape), turned) : given };
  }
}

/** (…, I, 9) → (…, 9, I) into `out`: read in order, written as nine streams that a cache holds. */
function channelsLast(from: Uint16Array, channels: number, out: Uint16Array<ArrayBuffer>): Uint16Array<ArrayBuffer> {
  for (let o = 0; o < from.length; o += 9 * channels)
    for (let i = 0, at = o; i < channels; i++, at += 9) {
      const to = o + i;
      out[to] = from[at] as number;
      out[to + channels] = from[at + 1] as number;
      out[to + 2 * channels] = from[at + 2] as number;
      out[to + 3 * channels] = from[at + 3] as number;
      out[to + 4 * channels] = from[at + 4] as number;
      out[to + 5 * channels] = from[at + 5] as number;
      out[to + 6 * channels] = from[at + 6] as number;
      out[to + 7 * channels] = from[at + 7] as number;
      out[to + 8 * channels] = from[at + 8] as number;
    }
  return out.subarray(0, from.length);
}

/** Halves as they are written: an odd number of them ends in half a word of padding. */
export function wholeWords(halves: Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (halves.length % 2 === 0) return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  const padded = new Uint16Array(halves.length + 1);
  padded.set(halves);
  return new Uint8Array(padded.buffer);
}
