// A sampler's name, a noise schedule and a number of steps in; its plan out: at each step which t to ask the U-Net about and the weights of a sum.
import { dpmSolverSteps } from './dpm-solver.ts';
import { ancestralSteps, eulerSteps } from './euler.ts';
import { ddimSteps, pndmSteps } from './multistep.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { SamplerPlan } from './sampler-plan.ts';

/** As they are called where pictures are drawn; in diffusers `DPMSolverMultistepScheduler` (with `use_karras_sigmas`) and so on. */
export const samplers = ['dpm++2m', 'dpm++2m-karras', 'euler', 'euler-a', 'ddim', 'pndm'] as const;
export type Sampler = (typeof samplers)[number];

type PlanSteps = (schedule: NoiseSchedule, steps: number) => SamplerPlan;

const TABLE: Readonly<Record<Sampler, PlanSteps>> = {
  ddim: ddimSteps,
  pndm: pndmSteps,
  euler: eulerSteps,
  'euler-a': ancestralSteps,
  'dpm++2m': (schedule, steps) => dpmSolverSteps(schedule, steps, false),
  'dpm++2m-karras': (schedule, steps) => dpmSolverSteps(schedule, steps, true),
};

/** The most steps that every sampler has timesteps for: 'leading' spacing plus the offset must not leave the schedule. */
export const mostSteps = (schedule: NoiseSchedule): number => schedule.trainTimesteps - schedule.stepsOffset - 1;

/** The whole way of a picture. `steps` is a whole number from 1 to `mostSteps`, else RangeError. */
export function samplerPlan(sampler: Sampler, schedule: NoiseSchedule, steps: number): SamplerPlan {
  const most = mostSteps(schedule);
  if (!Number.isInteger(steps) || steps < 1 || steps > most)
    throw new RangeError(`steps: expected a whole number from 1 to ${most}, got ${steps}`);
  return TABLE[sampler](schedule, steps);
}
