// Which of the items a step sees: how many there are, batch, accumulation and the step's number in; places in the run's sequence of items out.
import type { TrainingSettings } from './settings.ts';

export type Grouping = Pick<TrainingSettings, 'batch' | 'accumulate' | 'epochs'>;

/** Optimizer steps of one epoch over `items`: ceil(batches / accumulate) of ceil(items / batch) batches (diffusers' `num_update_steps_per_epoch`). */
export const stepsPerEpoch = (items: number, { batch, accumulate }: Grouping): number =>
  Math.ceil(Math.ceil(items / batch) / accumulate);

/** What one step gathers: batches of places in the run's sequence of items (place p is number p mod items of round ⌊p / items⌋). */
export interface Group {
  batches: number[][];
  /** Gathered batches that a whole group has none of: the loss is divided by all of them anyway. */
  full: number;
}

/**
 * The group of optimizer step number `attempt` (0, 1, …). Without epochs one round follows the other and every group is whole. With them an
 * epoch ends in a short batch and a short group where the numbers do not divide, as a DataLoader and accelerate have it.
 */
export function groupAt(attempt: number, items: number, grouping: Grouping): Group {
  const { batch, accumulate, epochs } = grouping;
  if (epochs === 0) {
    const first = attempt * batch * accumulate;
    return { batches: range(0, accumulate).map((b) => range(first + b * batch, batch)), full: accumulate };
  }
  const steps = stepsPerEpoch(items, grouping);
  const begin = Math.floor(attempt / steps) * items;
  const first = (attempt % steps) * batch * accumulate;
  const batches = range(0, accumulate)
    .map((b) => first + b * batch)
    .filter((at) => at < items)
    .map((at) => range(begin + at, Math.min(batch, items - at)));
  return { batches, full: accumulate };
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);
