// Euler and Euler ancestral: a schedule and a number of steps in; plans over latents whose noise grows instead (x = x_0 + σ · ε) out.
import type { NoiseSchedule } from './noise-schedule.ts';
import type { SamplerPlan, SamplerStep } from './sampler-plan.ts';
import { evenTimesteps, leadingTimesteps, sigmaAt } from './timesteps.ts';

/** Where a step goes: down to `to` along the slope, then up by new noise of deviation `up`. */
type Aim = (from: number, to: number) => { down: number; up: number };

/** `EulerDiscreteScheduler`'s and `EulerAncestralDiscreteScheduler`'s own spacing is even over the whole schedule, in fractions. */
function plan(schedule: NoiseSchedule, steps: number, aim: Aim): SamplerPlan {
  const leading = schedule.timestepSpacing === 'leading';
  const timesteps = leading ? leadingTimesteps(schedule, steps) : evenTimesteps(schedule, steps);
  const sigmas = [...timesteps.map((t) => sigmaAt(schedule, t)), 0];
  const most = sigmas[0] as number;
  const planned = timesteps.map((timestep, i): SamplerStep => {
    const sigma = sigmas[i] as number;
    const { down, up } = aim(sigma, sigmas[i + 1] as number);
    const slope = slopeOf(schedule, sigma);
    const length = down - sigma;
    return {
      timestep,
      inputScale: 1 / Math.sqrt(sigma ** 2 + 1),
      latents: [1 + length * slope.x],
      outputs: [length * slope.output],
      noise: up,
    };
  });
  return { initialScale: leading ? Math.sqrt(most ** 2 + 1) : most, steps: planned };
}

/** dx/dσ = (x − x_0) / σ (Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", eq. 4): ε itself, or by v. */
function slopeOf({ predictionType }: NoiseSchedule, sigma: number): { x: number; output: number } {
  if (predictionType === 'epsilon') return { x: 0, output: 1 };
  const variance = sigma ** 2 + 1;
  return { x: sigma / variance, output: 1 / Math.sqrt(variance) };
}

export const eulerSteps = (schedule: NoiseSchedule, steps: number): SamplerPlan =>
  plan(schedule, steps, (_, to) => ({ down: to, up: 0 }));

/** σ_to² is shared out between what is left and what is new, as a step of the process that made the noise would (k-diffusion's ancestral step). */
export const ancestralSteps = (schedule: NoiseSchedule, steps: number): SamplerPlan =>
  plan(schedule, steps, (from, to) => {
    const up = (to * Math.sqrt(from ** 2 - to ** 2)) / from;
    return { down: Math.sqrt(to ** 2 - up ** 2), up };
  });
