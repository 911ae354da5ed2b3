// Opened safetensors files in; a model's tensors by their diffusers names, each with the place where it lies, out.

import { Trouble } from '../../trouble.ts';
import { isWeightDType } from '../dtypes.ts';
import type { SafetensorsFile } from '../safetensors.ts';
import { damaged } from '../safetensors-header.ts';

export interface Stored {
  readonly file: SafetensorsFile;
  readonly key: string; // its name there
  readonly shape: readonly number[]; // as diffusers has it
  readonly first: number; // the element it begins with: more than 0 where several lie in one
}
export type Tensors = ReadonlyMap<string, Stored>;
export type Component = 'unet' | 'vae' | 'text_encoder';
export type Weights = Readonly<Record<Component, Tensors>>;

export class TensorMap {
  readonly found = new Map<string, Stored>();

  /** The whole of a tensor, or (`part`) a third of its rows. Trouble 'file-damaged' where two of the file claim one name. */
  add(name: string, file: SafetensorsFile, key: string, part: 0 | 1 | 2 | null = null): void {
    const twin = this.found.get(name);
    if (twin) throw damaged(file.fileName, `one tensor for ${name}`, `two: “${twin.key}” and “${key}”`);
    const [rows = 0, ...rest] = file.shape(key);
    if (part === null) {
      this.found.set(name, { file, key, shape: asDiffusers(name, file.shape(key)), first: 0 });
      return;
    }
    if (rows % 3 !== 0) throw damaged(file.fileName, `“${key}” to be three matrices`, `[${file.shape(key)}]`);
    const shape = [rows / 3, ...rest];
    this.found.set(name, { file, key, shape, first: part * elements(shape) });
  }
}

export const elements = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

/** The VAE's attention is 1×1 convolutions in single files and in early folders; everything else has one shape everywhere. */
function asDiffusers(name: string, shape: number[]): number[] {
  const matrix = /^(en|de)coder\.mid_block\.attentions\.0\.to_(q|k|v|out\.0)\.weight$/.test(name);
  return matrix && shape.slice(2).every((dim) => dim === 1) ? shape.slice(0, 2) : shape;
}

/**
 * Every tensor that `needed` lists is there, in one of the shapes, in a float format. Trouble 'file-damaged' with how many are missing and the
 * first one's name, 'not-this-family' for another number format.
 */
export function checkTensors(what: string, tensors: Tensors, needed: ReadonlyMap<string, readonly number[][]>): void {
  const file = [...tensors.values()][0]?.file.fileName ?? what;
  const missing = [...needed.keys()].filter((name) => !tensors.has(name));
  if (missing.length > 0)
    throw damaged(file, `${needed.size} tensors of a ${what}`, `${missing.length} missing, the first “${missing[0]}”`);
  for (const [name, shapes] of needed) {
    const { file, key, shape } = tensors.get(name) as Stored;
    if (!shapes.some((wanted) => `${wanted}` === `${shape}`))
      throw damaged(file.fileName, `${name} ${shapes.map((s) => `[${s}]`).join(' or ')}`, `[${shape}]`);
    const dtype = file.dtype(key);
    if (!isWeightDType(dtype))
      throw new Trouble('not-this-family', { key, expected: 'F32, F16 or BF16 numbers', got: dtype });
  }
}
