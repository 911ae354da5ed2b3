// DDIM: the U-Net's answer at t in, the latents one step closer to the picture out. Deterministic (η = 0).
import { type NoiseSchedule, signalAndNoise } from './noise-schedule.ts';

/**
 * Timesteps of a picture in `steps` steps, noisiest first: 'leading' spacing plus `steps_offset` (diffusers' `DDIMScheduler.set_timesteps`).
 * `steps` is a whole number in [1, trainTimesteps).
 */
export function ddimTimesteps(schedule: NoiseSchedule, steps: number): number[] {
  const most = schedule.trainTimesteps - schedule.stepsOffset; // one more and the offset would leave the schedule
  if (!Number.isInteger(steps) || steps < 1 || steps > most)
    throw new RangeError(`steps: expected a whole number from 1 to ${most}, got ${steps}`);
  const ratio = Math.floor(schedule.trainTimesteps / steps);
  return Array.from({ length: steps }, (_, i) => (steps - 1 - i) * ratio + schedule.stepsOffset);
}

/**
 * One reverse step (Song et al., "Denoising Diffusion Implicit Models", eq. 12 with σ = 0; diffusers' `DDIMScheduler.step`):
 * x_0 and ε are read from the model's output, then put together again at the previous, less noisy t.
 * `output` and `latents` are (4, h, w), `steps` the number of steps of the whole picture.
 */
export function ddimStep(
  schedule: NoiseSchedule,
  steps: number,
  t: number,
  output: Float32Array,
  latents: Float32Array,
): Float32Array {
  const { signal, noise } = signalAndNoise(schedule, t);
  const previous = t - Math.floor(schedule.trainTimesteps / steps);
  const alpha =
    previous >= 0 ? schedule.alphasCumprod[previous]! : schedule.setAlphaToOne ? 1 : schedule.alphasCumprod[0]!;
  const signalBefore = Math.sqrt(alpha);
  const noiseBefore = Math.sqrt(1 - alpha);
  const velocity = schedule.predictionType === 'v_prediction';
  return latents.map((x, i) => {
    const out = output[i] as number;
    const clean = velocity ? signal * x - noise * out : (x - noise * out) / signal;
    const epsilon = velocity ? signal * out + noise * x : out;
    return signalBefore * clean + noiseBefore * epsilon;
  });
}
