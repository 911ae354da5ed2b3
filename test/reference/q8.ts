// q8, CPU twin: f16 weights → words and back, by the rule told in shaders/quantise.wgsl. Plain f64.
import { fromHalf, toHalf } from '../../src/tensor/half.ts';
import { Q8 } from '../../src/tensor/tensor.ts';
import type { Values } from './values.ts';

const { block: BLOCK, group: GROUP, groupWords: GROUP_WORDS } = Q8;

/** To the nearest whole number, a half to the even one. */
const nearest = (x: number): number => {
  const low = Math.floor(x);
  return x - low < 0.5 || (x - low === 0.5 && low % 2 === 0) ? low : low + 1;
};

/** Finite weights, a multiple of 64, rounded to f16 first. */
export function quantise(weights: Values): Uint32Array<ArrayBuffer> {
  const w = Float64Array.from(weights, (v) => fromHalf(toHalf(v)));
  const words = new Uint32Array((w.length / GROUP) * GROUP_WORDS);
  const bytes = new Int8Array(words.buffer);
  const halves = new Uint16Array(words.buffer);
  for (let first = 0; first < w.length; first += BLOCK) {
    const block = w.subarray(first, first + BLOCK);
    const group = Math.floor(first / GROUP);
    const second = (first / BLOCK) % 2;
    const largest = Math.max(...block.map(Math.abs));
    const scale = Math.max(2 ** -14, Math.min(65504, fromHalf(toHalf((largest * 128) / 127))));
    halves[2 * GROUP_WORDS * group + second] = toHalf(scale);
    const q = Array.from(block, (v) => Math.max(-127, Math.min(127, nearest(v / (scale / 128)))));
    bytes.set(q, 4 * (GROUP_WORDS * group + 1) + BLOCK * second);
  }
  return words;
}

/** The weights that a GPU reads from these words, exactly. */
export function dequantise(words: Uint32Array): Float64Array {
  const bytes = new Int8Array(words.buffer, words.byteOffset);
  const halves = new Uint16Array(words.buffer, words.byteOffset);
  return Float64Array.from({ length: (words.length / GROUP_WORDS) * GROUP }, (_, i) => {
    const [group, within] = [Math.floor(i / GROUP), i % GROUP];
    const scale = fromHalf(halves[2 * GROUP_WORDS * group + Math.floor(within / BLOCK)]!);
    return (bytes[4 * (GROUP_WORDS * group + 1) + within]! * scale) / 128;
  });
}
