// Snapshot: a run at one step boundary — its history and everything the GPU needs to go on from there. What a reload or a lost GPU goes back to.
import type { TrainingState } from '../gpu/engine-types.ts';

export interface History {
  step: number; // optimizer steps taken
  attempt: number; // batches drawn: more than `step` where one overflowed and was skipped
  losses: number[]; // of step 1, 2, …
  heldOut: { step: number; loss: number }[]; // the first is step 0: the model as it was
  moments: number[]; // steps whose adapter was kept
}
export interface Snapshot extends History {
  state: TrainingState;
}

export const newHistory = (): History => ({ step: 0, attempt: 0, losses: [], heldOut: [], moments: [] });

/** A copy of the history alone, which later steps do not touch. */
export const copyHistory = ({ step, attempt, losses, heldOut, moments }: History): History => ({
  step,
  attempt,
  losses: [...losses],
  heldOut: [...heldOut],
  moments: [...moments],
});

/** The kept moment with the lowest held-out loss; the last one where none was measured; 0 where none was kept. */
export function bestStep(history: Pick<History, 'heldOut' | 'moments'>): number {
  const measured = history.heldOut.filter(({ step }) => history.moments.includes(step));
  if (measured.length === 0) return history.moments.at(-1) ?? 0;
  return measured.reduce((best, next) => (next.loss < best.loss ? next : best)).step;
}

/** Is every number of the state one that can be trained on? */
export const isSane = (state: TrainingState): boolean =>
  [state.lora, state.firstMoment, state.secondMoment].every((values) => values.every(Number.isFinite));
