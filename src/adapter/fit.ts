// An adapter of one rank and alpha in; the same adapter as an engine of another (never smaller) rank and alpha wants it, out.
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';

export interface Scaled {
  rank: number;
  alpha: number; // alpha / rank · up · down is what counts
}

/**
 * Padded with zeros, which add nothing, and with the difference of scale folded into `up`. Modules that the adapter leaves out get zeros.
 * @throws Error when the engine's rank is smaller than the adapter's, or it does not adapt one of its modules.
 */
export function fitAdapter(
  adapter: Scaled & { weights: LoraWeights },
  engine: Scaled,
  modules: readonly LoraModule[],
): LoraWeights {
  if (engine.rank < adapter.rank)
    throw new Error(
      `fitAdapter: the adapter has rank ${adapter.rank}, the engine only ${engine.rank}; build it with rank ${adapter.rank}`,
    );
  const names = new Set(modules.map(({ name }) => name));
  for (const name of adapter.weights.keys())
    if (!names.has(name)) throw new Error(`fitAdapter: the engine does not adapt ${name}`);
  const scale = adapter.alpha / adapter.rank / (engine.alpha / engine.rank);
  return new Map(
    modules.map(({ name, inFeatures, outFeatures }) => {
      const own = adapter.weights.get(name);
      const down = new Float32Array(engine.rank * inFeatures);
      const up = new Float32Array(outFeatures * engine.rank);
      if (own) {
        down.set(own.down); // (r, in): the first r rows
        for (let row = 0; row < outFeatures; row++)
          for (let r = 0; r < adapter.rank; r++)
            up[row * engine.rank + r] = scale * (own.up[row * adapter.rank + r] as number);
      }
      return [name, { down, up }];
    }),
  );
}
