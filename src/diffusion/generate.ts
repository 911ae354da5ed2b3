// generate: text states and initial noise in, latents of a picture out. One U-Net, two answers a step where guidance is on.
import type { UNetEngine } from '../gpu/engine-types.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import { takeStep } from './sampler-plan.ts';
import { type Sampler, samplerPlan } from './samplers.ts';

export interface GenerateRequest {
  prompt: Float32Array; // encoder_hidden_states (77 · n, d)
  negativePrompt: Float32Array; // as long; the empty prompt's where there is none
  /** Standard normals (4, h, w): the first are what a picture begins with, an ancestral sampler asks for more at every step. */
  noise: () => Float32Array;
  sampler: Sampler;
  steps: number;
  guidance: number; // ≤ 1 = off, as in diffusers: the negative prompt is then not read
  strength: number; // of the adapter; 0 = without
}

/** The U-Net, as little of it as is needed: any object that predicts. */
export type Predictor = Pick<UNetEngine, 'predict'>;

/**
 * Latents (4, h, w) of a picture by a sampler and classifier-free guidance, ε̂ = ε(∅) + g · (ε(c) − ε(∅)) (Ho & Salimans 2022; diffusers'
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
  const { prompt, negativePrompt, sampler, guidance, strength } = request;
  const answer = async (sample: Float32Array, timestep: number, encoderHiddenStates: Float32Array) => {
    signal.throwIfAborted();
    return unet.predict({ sample, timestep, encoderHiddenStates }, strength);
  };

  const { initialScale, steps } = samplerPlan(sampler, schedule, request.steps);
  let latents = [scaled(request.noise(), initialScale)]; // newest first, and so the answers
  let outputs: Float32Array[] = [];
  for (const [i, step] of steps.entries()) {
    const { timestep } = step;
    const input = scaled(latents[0] as Float32Array, step.inputScale);
    let output = await answer(input, timestep, prompt);
    if (guidance > 1) output = guide(await answer(input, timestep, negativePrompt), output, guidance);
    outputs = [output, ...outputs].slice(0, OUTPUTS);
    const next = takeStep(step, latents, outputs, step.noise > 0 ? request.noise() : null);
    latents = [next, ...latents].slice(0, LATENTS);
    onStep(i + 1, steps.length);
  }
  signal.throwIfAborted();
  return latents[0] as Float32Array;
}

/** How far back a sampler looks: PNDM to the fifth answer, since it passes over one. */
const OUTPUTS = 5;
const LATENTS = 2;

const scaled = (values: Float32Array, by: number): Float32Array => (by === 1 ? values : values.map((v) => v * by));

/** without + guidance · (text − without), element by element. */
const guide = (without: Float32Array, text: Float32Array, guidance: number): Float32Array =>
  without.map((base, i) => base + guidance * ((text[i] as number) - base));
