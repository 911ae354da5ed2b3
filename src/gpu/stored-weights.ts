// A tensor's bytes as its file has them → the bytes that its GPU buffer gets, piece by piece: converted to f16, turned channels-last, quantised.
import { bf16ToF16, toF16 } from '../tensor/half.ts';
import { quantise } from '../tensor/q8.ts';
import { lastDim, numel, Q8, type Tensor } from '../tensor/tensor.ts';

/** Halves worked on at a time: what a processor's cache holds, and little enough to be written at once. */
const PIECE_HALVES = 2 ** 20;

export interface Piece {
  readonly offset: number; // bytes, a multiple of 4; likewise the length
  readonly bytes: Uint8Array<ArrayBuffer>; // good until the next piece is asked for
}

/** A file's numbers as f16 bits: laid over its bytes where they are f16 already. Null: a format this cannot read. */
export function halvesOf(bytes: Uint8Array<ArrayBuffer>, dtype: string): Uint16Array<ArrayBuffer> | null {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === 'F16') return new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (dtype === 'BF16') return bf16ToF16(new Uint16Array(buffer, byteOffset, byteLength / 2));
  if (dtype === 'F32') return toF16(new Float32Array(buffer, byteOffset, byteLength / 4));
  return null;
}

/**
 * The pieces of one weight, in order. Convolutions are turned from (O, I, 3, 3) to (O, 3, 3, I).
 * @param halves f16 bits in the file's order.
 * @param notFinite told the index of a weight in q8 that is no finite number; must throw.
 */
export function* pieces(
  tensor: Pick<Tensor, 'shape' | 'dtype'>,
  halves: Uint16Array<ArrayBuffer>,
  notFinite: (index: number) => never,
): Generator<Piece> {
  const { shape, dtype } = tensor;
  const count = numel(shape);
  const conv = shape.length === 4;
  // Whole output channels, so many that a piece is a whole number of q8 groups and of words.
  const row = count / (shape[0] as number);
  const rows = Math.max(1, Math.floor(PIECE_HALVES / row / Q8.group)) * Q8.group;
  const turned = new Uint16Array(conv ? Math.min(count, rows * row) : 0);
  const words = new Uint32Array(dtype === 'q8' ? (Math.min(count, rows * row) / Q8.group) * Q8.groupWords : 0);
  for (let first = 0; first < count; first += rows * row) {
    const given = halves.subarray(first, Math.min(count, first + rows * row));
    const piece = conv ? channelsLast(given, lastDim(shape), turned) : given;
    if (dtype === 'q8') {
      const bad = quantise(piece, words);
      if (bad >= 0) notFinite(first + bad);
      const length = (piece.length / Q8.group) * Q8.groupWords;
      yield { offset: (first / Q8.group) * Q8.groupWords * 4, bytes: new Uint8Array(words.buffer, 0, length * 4) };
    } else yield { offset: first * 2, bytes: wholeWords(piece) };
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

/** An odd number of halves ends in half a word of padding. */
function wholeWords(halves: Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (halves.length % 2 === 0) return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  const padded = new Uint16Array(halves.length + 1);
  padded.set(halves);
  return new Uint8Array(padded.buffer);
}
