// A schedule and a number of steps in; which t a sampler asks about, noisiest first, and the σ of any t, out: diffusers' `set_timesteps`.
import type { NoiseSchedule } from './noise-schedule.ts';

/** Every ⌊T / n⌋-th t from 0, plus `steps_offset` ('leading'). */
export function leadingTimesteps(schedule: NoiseSchedule, steps: number, of = steps): number[] {
  const ratio = Math.floor(schedule.trainTimesteps / of);
  return Array.from({ length: steps }, (_, i) => (of - 1 - i) * ratio + schedule.stepsOffset);
}

/** σ at t = √((1 − ᾱ) / ᾱ), between two whole t on the line from one to the other (`np.interp`). */
export function sigmaAt(schedule: NoiseSchedule, t: number): number {
  const at = (index: number): number => {
    const alpha = schedule.alphasCumprod[index] as number;
    return Math.sqrt((1 - alpha) / alpha);
  };
  const below = Math.floor(t);
  return t === below ? at(t) : at(below) + (t - below) * (at(below + 1) - at(below));
}

/** `count` numbers from 0 to the last t, ends included (`np.linspace`), largest first. */
export function evenTimesteps(schedule: NoiseSchedule, count: number): number[] {
  const last = schedule.trainTimesteps - 1;
  if (count === 1) return [0];
  return Array.from({ length: count }, (_, i) => (i === 0 ? last : (count - 1 - i) * (last / (count - 1))));
}

/** To the nearest whole number, halves to the even one, as numpy rounds. */
export function roundToEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}
