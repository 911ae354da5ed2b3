// Two sets of gradients, or two arrays, in; how far they are apart, each and all together, out.
import type { LoraModule, LoraWeights } from '../../src/gpu/engine-types.ts';

/** Sums over pairs of numbers, from which relative L2 error and cosine follow. */
export class Distance {
  #error = 0;
  #got = 0;
  #want = 0;
  #dot = 0;

  add(got: Float32Array, want: Float32Array): this {
    if (got.length !== want.length) throw new Error(`expected ${want.length} values, got ${got.length}`);
    want.forEach((w, i) => {
      const g = got[i] as number;
      this.#error += (g - w) ** 2;
      this.#got += g * g;
      this.#want += w * w;
      this.#dot += g * w;
    });
    return this;
  }
  /** ‖got − want‖ / ‖want‖; NaN where the reference is all zeros, since any code would pass, or where anything is NaN. */
  get relL2(): number {
    return Math.sqrt(this.#error / this.#want);
  }
  get cosine(): number {
    return this.#dot / Math.sqrt(this.#got * this.#want);
  }
}

export interface GradientErrors {
  /** Every gradient by its diffusers key. */
  each: Record<string, number>;
  all: { A: Distance; B: Distance };
}

export function gradientErrors(
  modules: readonly LoraModule[],
  got: LoraWeights,
  want: (key: string, module: string, part: 'down' | 'up') => Float32Array,
): GradientErrors {
  const each: Record<string, number> = {};
  const all = { A: new Distance(), B: new Distance() };
  for (const { name } of modules)
    for (const part of ['down', 'up'] as const) {
      const key = `unet.${name}.lora.${part}.weight`;
      const [g, w] = [got.get(name)?.[part] as Float32Array, want(key, name, part)];
      each[key] = new Distance().add(g, w).relL2;
      all[part === 'down' ? 'A' : 'B'].add(g, w);
    }
  return { each, all };
}
