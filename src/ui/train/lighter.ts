// In: settings, the model's sizes, a forecast of each; out: which graphics card they fit, and the mildest change that fits a smaller one. Pure.
import type { TrainingSettings } from '../../worker/api.ts';

/** Sizes of graphics cards, GB, as they are sold. */
const cards = [2, 4, 6, 8, 12, 16, 24] as const;
/** The rest is the screen's, the browser's and the driver's. */
const usable = 0.85;

/** The smallest card, in GB, that has room for `peakBytes`; null when none has. */
export const cardFor = (peakBytes: number): number | null =>
  cards.find((gigabytes) => peakBytes <= gigabytes * 1e9 * usable) ?? null;

type Changes = Partial<TrainingSettings>;
/** Ever less memory, what costs the picture least first: number formats, then computing twice, then smaller pictures. Cumulative. */
export function lighterSettings(settings: TrainingSettings, sizes: readonly number[]): Changes[] {
  const steps: Changes[] = [];
  if (settings.activations === 'f32') steps.push({ activations: 'f16' });
  if (settings.weights === 'f16') steps.push({ weights: 'int8' });
  for (const size of sizes.toReversed()) if (size < settings.resolution) steps.push({ resolution: size });
  return steps.map((_, at) => Object.assign({}, ...steps.slice(0, at + 1)) as Changes);
}

/** What takes less than a run does now. */
export interface LessMemory {
  now: number | null; // bytes, by the plan
  /** For the run under way: computing twice gives the same adapter, 8-bit weights nearly. */
  here: { changes: Changes; bytes: number | null } | null;
  /** A run keeps its size: this is another run. */
  anew: { resolution: number; bytes: number } | null;
}
/** Less than this much less is not worth a new start. */
const LESS = 0.95;
/**
 * The mildest change that really takes less by the plan (computing twice is often the rule already), and the next smaller size with it. Where
 * the plan cannot be known, all that can be changed.
 */
export async function lessMemory(
  settings: TrainingSettings,
  sizes: readonly number[],
  peakOf: (settings: TrainingSettings) => Promise<number>,
): Promise<LessMemory> {
  const changes: Changes[] = [];
  if (settings.recompute !== 'on') changes.push({ recompute: 'on' });
  if (settings.weights !== 'int8') changes.push({ ...changes[0], weights: 'int8' });
  const last = changes.at(-1);
  try {
    const now = await peakOf(settings);
    let here: LessMemory['here'] = null;
    for (const change of changes) {
      const bytes = await peakOf({ ...settings, ...change });
      if (bytes < LESS * now) {
        // What is the rule already needs no word.
        const small = changes.length > 1 && change === last ? { weights: change.weights } : change;
        here = { changes: (await peakOf({ ...settings, ...small })) === bytes ? small : change, bytes };
        break;
      }
    }
    const resolution = sizes.filter((size) => size < settings.resolution).at(-1);
    if (resolution === undefined) return { now, here, anew: null };
    return { now, here, anew: { resolution, bytes: await peakOf({ ...settings, ...here?.changes, resolution }) } };
  } catch {
    return { now: null, here: last ? { changes: last, bytes: null } : null, anew: null };
  }
}

export interface Lighter {
  changes: Changes;
  peakBytes: number;
  gigabytes: number;
}
/** The mildest change that fits a smaller card than `settings` do, by the forecasts known so far. */
export function lighter(
  settings: TrainingSettings,
  sizes: readonly number[],
  peakOf: (settings: TrainingSettings) => number | null,
): Lighter | null {
  const now = peakOf(settings);
  const card = now === null ? null : (cardFor(now) ?? Number.POSITIVE_INFINITY);
  if (card === null || card <= 2) return null;
  for (const changes of lighterSettings(settings, sizes)) {
    const peakBytes = peakOf({ ...settings, ...changes });
    const gigabytes = peakBytes === null ? null : cardFor(peakBytes);
    if (peakBytes !== null && gigabytes !== null && gigabytes < card) return { changes, peakBytes, gigabytes };
  }
  return null;
}
