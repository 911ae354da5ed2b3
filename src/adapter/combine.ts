// Several adapters, each with its strength, in; one adapter that adds what they add together, out.
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';

export interface Part {
  rank: number;
  alpha: number; // the adapter adds strength · alpha / rank · up · down
  strength: number;
  weights: LoraWeights;
}
export interface Combined {
  rank: number;
  alpha: number; // the rank: every scale went into `up`
  weights: LoraWeights;
}

/**
 * Exact, whatever the ranks: Σ sᵢ · upᵢ · downᵢ = [s₁up₁ s₂up₂ …] · [down₁; down₂; …]. The rank is the largest sum that a module needs, and modules
 * that need less are padded with zeros; ranks that a part has only as padding (all of a row of `down` or a column of `up` zero) take no room.
 */
export function combineAdapters(parts: readonly Part[]): Combined {
  const names = new Set(parts.flatMap(({ weights }) => [...weights.keys()]));
  const stacked = [...names].map((name) => ({ name, rows: parts.flatMap((part) => rowsOf(part, name)) }));
  const rank = Math.max(1, ...stacked.map(({ rows }) => rows.length));
  const weights: LoraWeights = new Map(
    stacked.map(({ name, rows }) => {
      const { inFeatures, outFeatures } = sizesOf(parts, name);
      const down = new Float32Array(rank * inFeatures);
      const up = new Float32Array(outFeatures * rank);
      for (const [r, row] of rows.entries()) {
        down.set(row.down, r * inFeatures);
        for (let o = 0; o < outFeatures; o++) up[o * rank + r] = row.up[o] as number;
      }
      return [name, { down, up }];
    }),
  );
  return { rank, alpha: rank, weights };
}

/** Each rank of a part's module on its own, the scale in `up`. */
function rowsOf({ rank, alpha, strength, weights }: Part, name: string): { down: Float32Array; up: Float32Array }[] {
  const own = weights.get(name);
  if (!own) return [];
  const scale = (strength * alpha) / rank;
  const inFeatures = own.down.length / rank;
  const outFeatures = own.up.length / rank;
  return Array.from({ length: rank }, (_, r) => ({
    down: own.down.subarray(r * inFeatures, (r + 1) * inFeatures),
    up: Float32Array.from({ length: outFeatures }, (_, o) => scale * (own.up[o * rank + r] as number)),
  })).filter(({ down, up }) => down.some((value) => value !== 0) && up.some((value) => value !== 0));
}

function sizesOf(parts: readonly Part[], name: string): Pick<LoraModule, 'inFeatures' | 'outFeatures'> {
  const { rank, weights } = parts.find((part) => part.weights.has(name)) as Part;
  const { down, up } = weights.get(name) as { down: Float32Array; up: Float32Array };
  return { inFeatures: down.length / rank, outFeatures: up.length / rank };
}
