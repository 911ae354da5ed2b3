// q8: f16 weights in, 8-bit weights with a scale for every 32 out, 8.5 bits each; and back. gpu/shader.ts reads the same bytes.
//
// 64 weights are 17 words of 32 bits: one word with the f16 scales of their two blocks, then 16 words of four int8 each, all little endian.
//   scale  = f16(max |w| · 128/127), at least 2⁻¹⁴: a subnormal half may read as zero on a GPU
//   q      = w / (scale / 128), to the nearest whole number, a half to the even one, within ±127
//   weight = q · scale / 128: 7 bits times 11 bits times a power of two is exact in f32, so that every driver has the same weights
// One scale a channel is coarser where single weights stand out (Student t(4): 2.5 times the error); a search for a smaller scale that cuts
// the largest weight off gains nothing at 8 bits.
import { fromHalf, halfTable, toHalf } from './half.ts';
import { Q8 } from './tensor.ts';

const BLOCK = Q8.block;
const GROUP = Q8.group;
const GROUP_WORDS = Q8.groupWords;

const SMALLEST_SCALE = 0x0400; // 2⁻¹⁴, the smallest normal half
const LARGEST_SCALE = 0x7bff; // 65504
const INFINITE = 0x7c00;
/** Added to |x| < 2²² in f32, it leaves the nearest whole number to x in the low bits of the sum. */
const TO_WHOLE = 1.5 * 2 ** 23;

let scales: Uint16Array | undefined;

/** The scale for each largest magnitude that a half can have, by its bits. */
function scaleTable(): Uint16Array {
  scales ??= Uint16Array.from({ length: INFINITE }, (_, largest) =>
    Math.max(SMALLEST_SCALE, Math.min(LARGEST_SCALE, toHalf((fromHalf(largest) * 128) / 127))),
  );
  return scales;
}

/**
 * Writes `halves` (f16 bits; a multiple of 64) to `out` (17 words for each 64).
 * @returns the index of a weight that is not a finite number, in whose block nothing was written; −1 where there is none.
 */
export function quantise(halves: Uint16Array, out: Uint32Array): number {
  const value = halfTable();
  const scaleOf = scaleTable();
  for (let first = 0, word = 0; first < halves.length; first += GROUP, word += GROUP_WORDS) {
    let pair = 0;
    for (let half = 0; half < 2; half++) {
      const begin = first + half * BLOCK;
      let largest = 0;
      for (let i = begin; i < begin + BLOCK; i++) {
        const magnitude = (halves[i] as number) & 0x7fff;
        if (magnitude > largest) largest = magnitude;
      }
      if (largest >= INFINITE)
        return begin + halves.subarray(begin, begin + BLOCK).findIndex((h) => (h & INFINITE) === INFINITE);
      const scale = scaleOf[largest] as number;
      pair |= scale << (16 * half);
      // A quotient of two halves is a tie or at least 2⁻¹³ from one, so the product with the reciprocal rounds to the same f32 as it does.
      const perStep = 128 / (value[scale] as number);
      for (let i = begin, at = word + 1 + 8 * half; i < begin + BLOCK; i += 4, at++)
        out[at] =
          (byteOf((value[halves[i] as number] as number) * perStep) & 255) |
          ((byteOf((value[halves[i + 1] as number] as number) * perStep) & 255) << 8) |
          ((byteOf((value[halves[i + 2] as number] as number) * perStep) & 255) << 16) |
          (byteOf((value[halves[i + 3] as number] as number) * perStep) << 24);
    }
    out[word] = pair;
  }
  return -1;
}

/** To the nearest whole number, ties to even, within ±127 (only a block with weights above 64,992 gets there). */
function byteOf(x: number): number {
  const q = Math.fround(x + TO_WHOLE) - TO_WHOLE;
  return Math.max(-127, Math.min(127, q));
}

/** The weights that a GPU reads from these bytes, exactly. */
export function dequantise(words: Uint32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array((words.length / GROUP_WORDS) * GROUP);
  for (let i = 0; i < out.length; i++) {
    const group = Math.floor(i / GROUP);
    const within = i % GROUP;
    const pair = words[group * GROUP_WORDS] as number;
    const scale = fromHalf(within < BLOCK ? pair & 0xffff : pair >>> 16);
    const word = words[group * GROUP_WORDS + 1 + (within >> 2)] as number;
    const q = (word << (24 - 8 * (within & 3))) >> 24;
    out[i] = (q * scale) / 128;
  }
  return out;
}
