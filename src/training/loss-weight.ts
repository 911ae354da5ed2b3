// What a sample's loss counts by its noise level: the noise schedule and t in, a weight out.
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts';

/**
 * min-SNR-γ (arXiv 2303.09556) as diffusers' training scripts have it: min(snr, γ) / snr where ε is asked for, / (snr + 1) where v is;
 * snr = ᾱ / (1 − ᾱ). γ 0: every level counts the same.
 */
export function minSnrWeight(schedule: NoiseSchedule, timestep: number, gamma: number): number {
  if (gamma === 0) return 1;
  const alpha = schedule.alphasCumprod[timestep] as number;
  const snr = alpha / (1 - alpha);
  return Math.min(snr, gamma) / (schedule.predictionType === 'epsilon' ? snr : snr + 1);
}
