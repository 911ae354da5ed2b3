// Stored adapters with their weights and strengths in; what an engine carries to draw with them together, or one stored adapter of them all, out.
import { combineAdapters } from '../adapter/combine.ts';
import { adapterTensorBytes } from '../adapter/write.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import type { StoredAdapter } from '../storage/adapter-store.ts';
import { Trouble } from '../trouble.ts';
import type { LoadedAdapter } from './engine-room.ts';

export interface Chosen {
  adapter: StoredAdapter;
  step: number;
  weights: LoraWeights;
  strength: number;
}

/** Names and sizes of the modules that weights belong to. */
export const modulesOfAdapter = ({ adapter, weights }: Pick<Chosen, 'adapter' | 'weights'>): readonly LoraModule[] =>
  adapter.modules ??
  [...weights].map(([name, { down, up }]) => ({
    name,
    inFeatures: down.length / adapter.rank,
    outFeatures: up.length / adapter.rank,
  }));

const keyOf = ({ adapter, step }: Chosen): string => `${adapter.adapterId} ${step}`;

/**
 * One adapter as it is, scaled by `strength` while it is drawn; of several their strengths are in the weights, and `strength` is 1.
 * Trouble 'adapter-mismatch' where they are of different models.
 */
export function together(chosen: readonly [Chosen, ...Chosen[]]): { adapter: LoadedAdapter; strength: number } {
  const [first, ...others] = chosen;
  if (others.length === 0) {
    const { rank, alpha } = first.adapter;
    return { adapter: { key: keyOf(first), rank, alpha, weights: first.weights }, strength: first.strength };
  }
  const key = chosen.map((one) => `${keyOf(one)} ${one.strength}`).join(' + ');
  return { adapter: { key, ...combined(chosen) }, strength: 1 };
}

/** As one adapter for good: its file adds what they add together. */
export function merged(
  chosen: readonly [Chosen, ...Chosen[]],
  adapterId: string,
  createdAt: number,
  said: Readonly<Record<string, string>>,
): { stored: StoredAdapter; weights: LoraWeights } {
  const [{ adapter: first }] = chosen;
  const { rank, alpha, weights } = combined(chosen);
  const modules = [...new Map(chosen.flatMap(modulesOfAdapter).map((module) => [module.name, module])).values()];
  const words = chosen.map(({ adapter: { identifier, classNoun } }) => `${identifier} ${classNoun}`.trim());
  const stored: StoredAdapter = {
    adapterId,
    name: chosen.map(({ adapter }) => adapter.name).join(' + '),
    // All their words in one row: those of the last stand where a noun does.
    ...{ identifier: words.slice(0, -1).join(' ').trim(), classNoun: words.at(-1) as string },
    ...{
      modelId: first.modelId,
      rank,
      alpha,
      moments: [0],
      bestStep: 0,
      createdAt,
      run: null,
      photos: 0,
      said,
      modules,
    },
    fileBytes: adapterTensorBytes(modules, rank),
  };
  return { stored, weights };
}

function combined(chosen: readonly [Chosen, ...Chosen[]]) {
  const [{ adapter: first }] = chosen;
  const other = chosen.find(({ adapter }) => adapter.modelId !== first.modelId)?.adapter;
  if (other)
    throw new Trouble('adapter-mismatch', {
      file: other.name,
      expected: `an adapter of the same model as ${first.name}`,
      got: 'another model’s',
    });
  const parts = chosen.map(({ adapter: { rank, alpha }, strength, weights }) => ({ rank, alpha, strength, weights }));
  return combineAdapters(parts);
}
