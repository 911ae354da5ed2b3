// golden: a case of a file in test/golden/ops → its tensors and settings; and the bar for comparing a twin with it.
import { readFileSync } from 'node:fs';
import { readSafetensors } from '../../src/files/safetensors.ts';

/** Both sides are f64; only storing to f32 (6e-8 at most, 3.5e-8 rms) lies between them. */
export const bar = { rel: 1e-7, max: 1e-6 };

/** One case of a golden file: values, shapes, settings by name. */
export async function golden(op: string, name: string) {
  const path = new URL(`../golden/ops/${op}.safetensors`, import.meta.url);
  const file = await readSafetensors(new Uint8Array(readFileSync(path)), `${op}.safetensors`);
  const keys = file.keys().filter((key) => key.startsWith(`${name}.`));
  if (keys.length === 0) throw new Error(`${op} has no case ${name}`);
  const values = new Map(
    await Promise.all(keys.map(async (k) => [k.slice(name.length + 1), await file.float32(k)] as const)),
  );
  const has = (key: string): boolean => values.has(key);
  const of = (key: string): Float64Array => Float64Array.from(values.get(key) ?? []);
  return {
    has,
    of,
    number: (key: string): number => of(key)[0] as number,
    shape: (key: string): number[] => file.shape(`${name}.${key}`),
  };
}
/** A copy with its middle value moved: what a control compares with. */
export const bumped = (x: Float64Array): Float64Array => x.map((v, i) => (i === x.length >> 1 ? v * 1.01 + 0.01 : v));
