// The learning rate of every step: a schedule's name and numbers in, a table out. The engine only ever looks up.
import type { Schedule, TrainingSettings } from './settings.ts';

type Numbers = Pick<TrainingSettings, 'learningRate' | 'cycles' | 'power'>;

/** What `polynomial` ends at, whatever it began with (diffusers' `lr_end`). */
export const POLYNOMIAL_END = 1e-7;

/** The share of the full rate after warm-up, at `progress` (0 … 1) of the steps that are left then. */
const decay: Record<Schedule, (progress: number, numbers: Numbers) => number> = {
  constant: () => 1,
  constant_with_warmup: () => 1,
  linear: (progress) => 1 - progress,
  cosine: (progress) => 0.5 * (1 + Math.cos(Math.PI * progress)),
  cosine_with_restarts: (progress, { cycles }) =>
    progress >= 1 ? 0 : 0.5 * (1 + Math.cos(Math.PI * ((cycles * progress) % 1))),
  polynomial: (progress, { learningRate, power }) =>
    ((learningRate - POLYNOMIAL_END) * (1 - progress) ** power + POLYNOMIAL_END) / learningRate,
};

/**
 * Rates of steps 1 … `steps` (index 0 = step 1), as diffusers' `get_scheduler` gives them: a warm-up rises linearly from 0, so that its
 * first step moves nothing; `constant` has none. A step is one of the optimizer, however many passes it gathers.
 */
export function learningRates(
  settings: Numbers & Pick<TrainingSettings, 'schedule' | 'warmupSteps' | 'steps'>,
): Float32Array<ArrayBuffer> {
  const { learningRate, schedule, steps } = settings;
  const warmup = schedule === 'constant' ? 0 : settings.warmupSteps;
  return Float32Array.from({ length: steps }, (_, step) => {
    if (step < warmup) return (learningRate * step) / warmup;
    return learningRate * Math.max(0, decay[schedule]((step - warmup) / Math.max(1, steps - warmup), settings));
  });
}
