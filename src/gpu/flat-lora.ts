// flat-lora: the flat LoRA buffer ↔ adapter weights by diffusers module name.
import type { LoraLayout } from '../plan/plan.ts';
import type { Programs } from '../plan/programs.ts';
import type { LoraModule, LoraWeights } from './engine-types.ts';

/**
 * The adapted modules in graph order, read off the plan's LoRA parameters: `<module>.lora.down` (r, in) or (r, 3, 3, channels), `<module>.lora.up`
 * (out, r). Which of the linear ones are 1×1 convolutions in diffusers, the plan does not know.
 */
export function loraModules({ plans }: Programs): LoraModule[] {
  const shapes = new Map<string, readonly number[]>();
  for (const { nodes } of Object.values(plans))
    for (const node of nodes)
      for (const t of Object.values(node.inputs)) if (t.kind === 'lora' && t.name !== '*') shapes.set(t.name, t.shape);
  return [...shapes]
    .filter(([name]) => name.endsWith('.lora.down'))
    .map(([name, down]) => {
      const module = name.slice(0, -'.lora.down'.length);
      return {
        name: module,
        inFeatures: down.slice(1).reduce((product, dim) => product * dim, 1),
        outFeatures: (shapes.get(`${module}.lora.up`) as number[])[0] as number,
        ...(down.length === 4 && { kernel: 3 as const }),
      };
    });
}

const at = (layout: LoraLayout, name: string): number => (layout.offsets.get(name) as number) / 4;

/** @throws Error when a module is missing or has another size than the engine's rank says. */
export function flatten(
  weights: LoraWeights,
  modules: readonly LoraModule[],
  layout: LoraLayout,
  rank: number,
): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(layout.bytes / 4);
  for (const { name, inFeatures, outFeatures, kernel } of modules) {
    const w = weights.get(name);
    if (w?.down.length !== rank * inFeatures || w.up.length !== outFeatures * rank)
      throw new Error(
        `${name}: expected down (${rank}, ${inFeatures}) and up (${outFeatures}, ${rank}), got ${w?.down.length ?? 'no'} and ${w?.up.length ?? 'no'} values`,
      );
    flat.set(kernel === 3 ? transposed(w.down, inFeatures / 9, 9) : w.down, at(layout, `${name}.lora.down`));
    flat.set(w.up, at(layout, `${name}.lora.up`));
  }
  return flat;
}

export function unflatten(
  flat: Float32Array,
  modules: readonly LoraModule[],
  layout: LoraLayout,
  rank: number,
): LoraWeights {
  const part = (name: string, length: number): Float32Array => flat.slice(at(layout, name), at(layout, name) + length);
  return new Map(
    modules.map(({ name, inFeatures, outFeatures, kernel }) => {
      const down = part(`${name}.lora.down`, rank * inFeatures);
      const up = part(`${name}.lora.up`, outFeatures * rank);
      return [name, { down: kernel === 3 ? transposed(down, 9, inFeatures / 9) : down, up }];
    }),
  );
}

/** Every (rows, columns) matrix of `values` as (columns, rows): torch keeps a kernel's taps last, the engine its channels. */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let begin = 0; begin < values.length; begin += rows * columns)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        out[begin + column * rows + row] = values[begin + row * columns + column] as number;
  return out;
}
