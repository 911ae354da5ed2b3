// The learning rate of every step: a schedule's name and numbers in, a table out. The engine only ever looks up.
import type { Schedule, TrainingSettings } from './settings.ts';

/** The share of the full rate after warm-up, at `progress` (0 … 1) of the steps that are left then. */
const decay: Record<Schedule, (progress: number) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)),
};

/**
 * Rates of steps 1 … `steps` (index 0 = step 1), as transformers' `get_scheduler` gives them: the warm-up rises linearly from 0, so that
 * the first step of a warm-up moves nothing.
 */
export function learningRates(
  settings: Pick<TrainingSettings, 'learningRate' | 'schedule' | 'warmupSteps' | 'steps'>,
): Float32Array<ArrayBuffer> {
  const { learningRate, schedule, warmupSteps, steps } = settings;
  return Float32Array.from({ length: steps }, (_, step) => {
    if (step < warmupSteps) return (learningRate * step) / warmupSteps;
    return learningRate * Math.max(0, decay[schedule]((step - warmupSteps) / Math.max(1, steps - warmupSteps)));
  });
}
