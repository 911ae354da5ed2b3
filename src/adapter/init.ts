// LoRA modules and a source of normals in; the weights that training starts from out.
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';

/**
 * peft's `init_lora_weights="gaussian"`: down ~ N(0, (1/rank)²) whatever the fan-in, up = 0, so that the untrained adapter changes nothing.
 * `normals(module, count)` gives `count` standard normals for the module-th module: each module has numbers of its own, and adding one at the end
 * leaves the others as they were.
 */
export function initialWeights(
  modules: readonly LoraModule[],
  rank: number,
  normals: (module: number, count: number) => Float32Array,
): LoraWeights {
  return new Map(
    modules.map(({ name, inFeatures, outFeatures }, index) => [
      name,
      {
        down: normals(index, rank * inFeatures).map((value) => value / rank),
        up: new Float32Array(outFeatures * rank),
      },
    ]),
  );
}
