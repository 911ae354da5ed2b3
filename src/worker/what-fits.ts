// What an engine was made for and the bytes that could be had in; the nearest settings that need no more than that out.

import type { TrainingSettings } from '../training/settings.ts';
import type { TroubleFacts } from '../trouble.ts';
import type { EngineSpec } from './engine-room.ts';

type Fits = TroubleFacts['out-of-memory']['fits'];
type Change = Partial<Pick<TrainingSettings, 'activations' | 'recompute' | 'weights' | 'resolution'>>;

/** From what costs least to what costs most of a picture's quality; each rung keeps the ones before it. */
function* ladder({ training, weights, size }: EngineSpec, sizes: readonly number[]): Generator<Change> {
  if (training && training.activations !== 'f16') yield { activations: 'f16' };
  if (training && training.recompute !== 'on') yield { recompute: 'on' };
  if (weights !== 'int8') yield { weights: 'int8' };
  for (const smaller of [...sizes].sort((a, b) => b - a)) if (smaller < size) yield { resolution: smaller };
}

/** The spec with the changes made, wherever they are said. */
function changed(spec: EngineSpec, change: Change): EngineSpec {
  const { weights = spec.weights, resolution: size = spec.size } = change;
  return { ...spec, weights, size, training: spec.training && { ...spec.training, ...change } };
}

/** @param bytesOf what an engine takes by plan, everything together. Null where nothing fits into `gotBytes`. */
export function whatFits(
  spec: EngineSpec,
  sizes: readonly number[],
  gotBytes: number,
  bytesOf: (spec: EngineSpec) => number,
): Fits {
  let settings: Change = {};
  for (const change of ladder(spec, sizes)) {
    settings = { ...settings, ...change };
    const neededBytes = bytesOf(changed(spec, settings));
    if (neededBytes <= gotBytes) return { settings, neededBytes };
  }
  return null;
}
