// DDIM and PNDM: a schedule and a number of steps in; plans over latents that keep their variance (x_t = √ᾱ · x_0 + √(1 − ᾱ) · ε) out.
import { type NoiseSchedule, signalAndNoise } from './noise-schedule.ts';
import type { SamplerPlan, SamplerStep } from './sampler-plan.ts';
import { leadingTimesteps } from './timesteps.ts';

interface Share {
  signal: number; // √ᾱ
  noise: number; // √(1 − ᾱ)
}

/** The shares at the t before, `final` where there is none. */
function sharesAt(schedule: NoiseSchedule, t: number, alphaIsOne: boolean): Share {
  if (t >= 0) return signalAndNoise(schedule, t);
  return alphaIsOne ? { signal: 1, noise: 0 } : signalAndNoise(schedule, 0);
}

/**
 * Weights of x and of the (combined) answer that take x from `from` to `to` by the ε that the answer means at `from`: x_0 is read from it and put
 * together again (Song et al., "Denoising Diffusion Implicit Models", eq. 12 with σ = 0; PNDM's eq. 11 is the same). A v is turned by
 * ε = √ᾱ · v + √(1 − ᾱ) · x.
 */
function transfer(schedule: NoiseSchedule, from: Share, to: Share): { x: number; output: number } {
  const x = to.signal / from.signal;
  const epsilon = to.noise - x * from.noise;
  return schedule.predictionType === 'v_prediction'
    ? { x: x + epsilon * from.noise, output: epsilon * from.signal }
    : { x, output: epsilon };
}

/** diffusers' `DDIMScheduler`, η = 0; its `set_alpha_to_one` is true where a config does not say. */
export function ddimSteps(schedule: NoiseSchedule, steps: number): SamplerPlan {
  const ratio = Math.floor(schedule.trainTimesteps / steps);
  const planned = leadingTimesteps(schedule, steps).map((t): SamplerStep => {
    const to = sharesAt(schedule, t - ratio, schedule.setAlphaToOne ?? true);
    const { x, output } = transfer(schedule, signalAndNoise(schedule, t), to);
    return { timestep: t, inputScale: 1, latents: [x], outputs: [output], noise: 0 };
  });
  return { initialScale: 1, steps: planned };
}

/** Adams–Bashforth over the answers, newest first. The second answer of all is used once and not kept: where others would read it stands 0. */
const ADAMS: readonly (readonly number[])[] = [
  [1],
  [1 / 2, 1 / 2], // the first step again, from where it began, by the mean of both ends
  [3 / 2, 0, -1 / 2],
  [23 / 12, -16 / 12, 0, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, 0, -9 / 24],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
];

/**
 * Pseudo linear multistep (Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds"; diffusers' `PNDMScheduler`) without its
 * Runge–Kutta beginning, as every Stable Diffusion's config asks (`skip_prk_steps`): the first step is taken twice, so there is one more question.
 * `set_alpha_to_one` is false where a config does not say.
 */
export function pndmSteps(schedule: NoiseSchedule, steps: number): SamplerPlan {
  const ratio = Math.floor(schedule.trainTimesteps / steps);
  const timesteps = leadingTimesteps(schedule, steps);
  const asked = steps === 1 ? timesteps : [timesteps[0]!, timesteps[1]!, ...timesteps.slice(1)];
  const planned = asked.map((timestep, i): SamplerStep => {
    const t = i === 1 ? timestep + ratio : timestep;
    const to = sharesAt(schedule, t - ratio, schedule.setAlphaToOne ?? false);
    const { x, output } = transfer(schedule, signalAndNoise(schedule, t), to);
    const weights = ADAMS[Math.min(i, ADAMS.length - 1)] as readonly number[];
    return {
      timestep,
      inputScale: 1,
      latents: i === 1 ? [0, x] : [x],
      outputs: weights.map((weight) => output * weight),
      noise: 0,
    };
  });
  return { initialScale: 1, steps: planned };
}
