// The moments of an 8-bit optimizer: LoRA parameters and where they lie in; which block lies where in the buffer of moments, and its size, out.
import { numel } from '../tensor/tensor.ts';
import type { LoraLayout } from './plan.ts';

/** Values that share an absmax; blocks begin anew at each tensor. */
const BLOCK = 256;
/** Tensors with fewer values keep their moments in f32 (bitsandbytes' `min_8bit_size`). */
export const LEAST_8BIT = 4096;

export interface MomentLayout {
  /** (blocks, 4): first parameter, values, first word of its moments, 1 where they are 8-bit (shaders/adamw-8bit.wgsl). */
  readonly blocks: Uint32Array<ArrayBuffer>;
  /** Of the buffer that holds all moments: a block's two absmax and codes together, or its f32 of both. */
  readonly words: number;
}
type Parameter = { readonly name: string; readonly shape: readonly number[] };

const is8bit = ({ shape }: Pick<Parameter, 'shape'>): boolean => numel(shape) >= LEAST_8BIT;
const wordsOf = (values: number, packed: boolean): number => (packed ? 2 + 2 * Math.ceil(values / 4) : 2 * values);

/** Bytes of both moments of all parameters: in f32, and as an 8-bit optimizer keeps them. */
export function momentBytes(params: readonly Pick<Parameter, 'shape'>[]): { f32: number; packed: number } {
  const bytes = (values: number, packed: boolean): number => 4 * wordsOf(values, packed);
  const whole = params.map(({ shape }) => bytes(numel(shape), false));
  const packed = params.map(({ shape }) => {
    const values = numel(shape);
    const rest = values % BLOCK;
    return Math.floor(values / BLOCK) * bytes(BLOCK, is8bit({ shape })) + (rest ? bytes(rest, is8bit({ shape })) : 0);
  });
  const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
  return { f32: sum(whole), packed: sum(packed) };
}

/** The blocks of all parameters, in their order. */
export function momentLayout(params: readonly Parameter[], lora: LoraLayout): MomentLayout {
  const blocks: number[] = [];
  let words = 0;
  for (const param of params) {
    const first = (lora.offsets.get(param.name) as number) / 4;
    const packed = is8bit(param);
    for (let at = 0; at < numel(param.shape); at += BLOCK) {
      const values = Math.min(BLOCK, numel(param.shape) - at);
      blocks.push(first + at, values, words, packed ? 1 : 0);
      words += wordsOf(values, packed);
    }
  }
  return { blocks: Uint32Array.from(blocks), words };
}
