// DPM-Solver++ 2M: a schedule and a number of steps in, its plan out. Every step but the first and the last reads the answer before, too.
import type { NoiseSchedule } from './noise-schedule.ts';
import type { SamplerPlan, SamplerStep } from './sampler-plan.ts';
import { evenTimesteps, leadingTimesteps, roundToEven, sigmaAt } from './timesteps.ts';

interface Level {
  signal: number; // α = √ᾱ
  noise: number; // σ = √(1 − ᾱ)
  lambda: number; // log(α / σ): half the logarithm of the signal-to-noise ratio
}
const levelOf = (sigma: number): Level => {
  const signal = 1 / Math.sqrt(sigma ** 2 + 1);
  return { signal, noise: sigma * signal, lambda: -Math.log(sigma) };
};
const CLEAN: Level = { signal: 1, noise: 0, lambda: Number.POSITIVE_INFINITY };

/** x_0 = x · weight + answer · weight, as the answer of this level means it. */
const cleanOf = ({ predictionType }: NoiseSchedule, { signal, noise }: Level): { x: number; output: number } =>
  predictionType === 'v_prediction' ? { x: signal, output: -noise } : { x: 1 / signal, output: -noise / signal };

/**
 * Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models", algorithm 2 with the midpoint rule; diffusers'
 * `DPMSolverMultistepScheduler` with its defaults (second order, `final_sigmas_type` zero, so the last step is of the first order).
 */
export function dpmSolverSteps(schedule: NoiseSchedule, steps: number, karras: boolean): SamplerPlan {
  const asked = karras ? karrasLevels(schedule, steps) : spacedLevels(schedule, steps);
  const levels = [...asked.map(({ sigma }) => levelOf(sigma)), CLEAN];
  const planned = asked.map(({ timestep }, i): SamplerStep => {
    const [before, here, next] = [levels[i - 1], levels[i] as Level, levels[i + 1] as Level];
    const clean = cleanOf(schedule, here);
    const h = next.lambda - here.lambda;
    const kept = next.noise / here.noise;
    const share = -next.signal * Math.expm1(-h); // of x_0 in what comes next
    const whole = { timestep, inputScale: 1, noise: 0 };
    if (!before || next === CLEAN)
      return { ...whole, latents: [kept + share * clean.x], outputs: [share * clean.output] };
    // x_0 half a step ahead, on the line through this one and the one before.
    const ahead = h / (here.lambda - before.lambda) / 2;
    const [now, then] = [share * (1 + ahead), -share * ahead];
    const cleanBefore = cleanOf(schedule, before);
    return {
      ...whole,
      latents: [kept + now * clean.x, then * cleanBefore.x],
      outputs: [now * clean.output, then * cleanBefore.output],
    };
  });
  return { initialScale: 1, steps: planned };
}

interface Asked {
  timestep: number;
  sigma: number;
}

/** One more t than there are steps; the last, cleanest one is not asked about. */
function spacedLevels(schedule: NoiseSchedule, steps: number): Asked[] {
  const timesteps =
    schedule.timestepSpacing === 'leading'
      ? leadingTimesteps(schedule, steps, steps + 1)
      : evenTimesteps(schedule, steps + 1)
          .slice(0, steps)
          .map(roundToEven);
  return timesteps.map((timestep) => ({ timestep, sigma: sigmaAt(schedule, timestep) }));
}

const RHO = 7;

/**
 * σ from the schedule's largest to its smallest, evenly apart in σ^(1/7) (Karras et al., eq. 5); each is asked about at the t whose log σ is nearest.
 */
function karrasLevels(schedule: NoiseSchedule, steps: number): Asked[] {
  const logs = Array.from(schedule.alphasCumprod, (_, t) => Math.log(sigmaAt(schedule, t)));
  const [least, most] = [Math.exp(logs[0] as number), Math.exp(logs.at(-1) as number)];
  return Array.from({ length: steps }, (_, i) => {
    const at = steps === 1 ? 0 : i / (steps - 1);
    const sigma = (most ** (1 / RHO) + at * (least ** (1 / RHO) - most ** (1 / RHO))) ** RHO;
    const log = Math.log(sigma);
    const above = logs.findIndex((other) => other > log);
    const below = Math.max(0, (above === -1 ? logs.length - 1 : above) - 1);
    const [low, high] = [logs[below] as number, logs[below + 1] as number];
    const share = Math.min(1, Math.max(0, (log - low) / (high - low)));
    return { timestep: roundToEven(below + share), sigma };
  });
}
