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

/** Changes to a run under way that take less memory, mildest first: computing twice gives the same adapter, 8-bit weights nearly. */
export function lessMemory({ recompute, weights }: Pick<TrainingSettings, 'recompute' | 'weights'>): Changes[] {
  const changes: Changes[] = [];
  if (recompute !== 'on') changes.push({ recompute: 'on' });
  if (weights !== 'int8') changes.push({ ...changes[0], weights: 'int8' });
  return changes;
}
/** Less than this much less is not worth a new start. */
const LESS = 0.95;
/** The mildest of them that really takes less by the plan (computing twice is often the rule already); the last where none is known to; null: none is left. */
export async function lessMemoryByPlan(
  settings: TrainingSettings,
  peakOf: (settings: TrainingSettings) => Promise<number>,
): Promise<Changes | null> {
  const changes = lessMemory(settings);
  try {
    const now = await peakOf(settings);
    for (const change of changes) if ((await peakOf({ ...settings, ...change })) < LESS * now) return change;
  } catch {
    // What is planned cannot be known; the most that can be done is as good as any.
  }
  return changes.at(-1) ?? null;
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
