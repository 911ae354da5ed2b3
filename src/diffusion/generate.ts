// generate: text states and initial noise in, latents of a picture out. One U-Net, two answers a step where guidance is on.
import type { UNetEngine } from '../gpu/engine-types.ts';
import { ddimStep, ddimTimesteps } from './ddim.ts';
import type { NoiseSchedule } from './noise-schedule.ts';

export interface GenerateRequest {
  prompt: Float32Array; // encoder_hidden_states (77, d)
  negativePrompt: Float32Array; // (77, d); the empty prompt's where there is none
  noise: Float32Array; // (4, h, w), standard normal: DDIM's init_noise_sigma is 1
  steps: number;
  guidance: number; // ≤ 1 = off, as in diffusers: the negative prompt is then not read
  strength: number; // of the adapter; 0 = without
}

/** The U-Net, as little of it as is needed: any object that predicts. */
export type Predictor = Pick<UNetEngine, 'predict'>;

/**
 * Latents (4, h, w) of a picture by DDIM and classifier-free guidance, ε̂ = ε(∅) + g · (ε(c) − ε(∅)) (Ho & Salimans 2022; diffusers'
 * `StableDiffusionPipeline`). The two answers are asked one after the other: a batch of two would need a plan and an arena of its own.
 * Rejects with the signal's reason between two questions; `onStep` hears after every step.
 */
export async function generate(
  signal: AbortSignal,
  unet: Predictor,
  schedule: NoiseSchedule,
  request: GenerateRequest,
  onStep: (done: number, total: number) => void = () => {},
): Promise<Float32Array> {
  const { prompt, negativePrompt, steps, guidance, strength } = request;
  const answer = async (sample: Float32Array, timestep: number, encoderHiddenStates: Float32Array) => {
    signal.throwIfAborted();
    return unet.predict({ sample, timestep, encoderHiddenStates }, strength);
  };

  let latents = request.noise;
  const timesteps = ddimTimesteps(schedule, steps);
  for (const [i, t] of timesteps.entries()) {
    let output = await answer(latents, t, prompt);
    if (guidance > 1) output = guide(await answer(latents, t, negativePrompt), output, guidance);
    latents = ddimStep(schedule, steps, t, output, latents);
    onStep(i + 1, timesteps.length);
  }
  signal.throwIfAborted();
  return latents;
}

/** without + guidance · (text − without), element by element. */
const guide = (without: Float32Array, text: Float32Array, guidance: number): Float32Array =>
  without.map((base, i) => base + guidance * ((text[i] as number) - base));
