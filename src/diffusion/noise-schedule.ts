// The forward process: scheduler_config.json in, alphas_cumprod, noisy latents and the U-Net's target out.
import { Trouble } from '../trouble.ts';

export type PredictionType = 'epsilon' | 'v_prediction';

export interface NoiseSchedule {
  readonly alphasCumprod: Float32Array; // (trainTimesteps): how much of the signal's variance is left at t
  readonly trainTimesteps: number; // 1000
  readonly predictionType: PredictionType;
  readonly stepsOffset: number;
  /** Where the config does not say, samplers differ. */
  readonly setAlphaToOne: boolean | null;
  readonly timestepSpacing: 'leading' | null;
}

type Json = Readonly<Record<string, unknown>>;

/** Keys that would change the arithmetic, with the one value that we compute. An absent key is that value. */
const ONLY: readonly (readonly [key: string, value: string | boolean | null])[] = [
  ['trained_betas', null],
  ['thresholding', false],
  ['clip_sample', false], // diffusers' StableDiffusionPipeline forces it to false
  ['timestep_spacing', 'leading'],
];

/**
 * The schedule of a Stable Diffusion from its scheduler/scheduler_config.json, as the `from_config` of diffusers' schedulers reads it: what the file
 * does not say is each scheduler's own default. Throws Trouble 'not-this-family' naming a key that we do not compute.
 */
export function noiseSchedule(config: Json): NoiseSchedule {
  for (const [key, value] of ONLY) {
    if (config[key] !== undefined && config[key] !== value) throw refused(key, String(value), config[key]);
  }
  const trainTimesteps = number(config, 'num_train_timesteps', 1000);
  if (!Number.isInteger(trainTimesteps) || trainTimesteps < 1)
    throw refused('num_train_timesteps', 'a positive whole number', trainTimesteps);
  const betas = betasOf(config, trainTimesteps);
  return {
    alphasCumprod: config.rescale_betas_zero_snr === true ? withoutSignal(betas) : cumulativeProduct(betas),
    trainTimesteps,
    predictionType: oneOf(config, 'prediction_type', ['epsilon', 'v_prediction']),
    stepsOffset: number(config, 'steps_offset', 0),
    setAlphaToOne: (config.set_alpha_to_one ?? null) === null ? null : config.set_alpha_to_one !== false,
    timestepSpacing: config.timestep_spacing === undefined ? null : 'leading',
  };
}

/** β at each t: `linear` in β, or `scaled_linear`, linear in √β. The ends are rounded to f32 first, as torch.linspace does. */
function betasOf(config: Json, count: number): Float64Array {
  const scaled = oneOf(config, 'beta_schedule', ['linear', 'scaled_linear']) === 'scaled_linear';
  const start = number(config, 'beta_start', 0.0001);
  const end = number(config, 'beta_end', 0.02);
  const from = Math.fround(scaled ? Math.sqrt(start) : start);
  const to = Math.fround(scaled ? Math.sqrt(end) : end);
  return Float64Array.from({ length: count }, (_, t) => {
    const at = from + ((to - from) * t) / Math.max(1, count - 1);
    return scaled ? at * at : at;
  });
}

/** ᾱ_t = ∏ (1 − β), accumulated in f64 and rounded once, as torch.cumprod does on the CPU. */
function cumulativeProduct(betas: Float64Array): Float32Array {
  let product = 1;
  return Float32Array.from(betas, (beta) => {
    product *= Math.fround(1 - Math.fround(beta));
    return product;
  });
}

/**
 * ᾱ of a schedule that ends in nothing but noise: √ᾱ shifted so that its last is 0 and its first stays (arXiv 2305.08891, algorithm 1; diffusers'
 * `rescale_zero_terminal_snr`).
 */
function withoutSignal(betas: Float64Array): Float32Array {
  const roots = cumulativeProduct(betas).map(Math.sqrt);
  const [first = 1, last = 0] = [roots[0], roots.at(-1)];
  return roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
}

/** √ᾱ_t and √(1 − ᾱ_t): the shares of signal and noise at t. */
export function signalAndNoise(schedule: NoiseSchedule, t: number): { signal: number; noise: number } {
  const alpha = schedule.alphasCumprod[t];
  if (alpha === undefined) throw new RangeError(`timestep ${t} is not in [0, ${schedule.trainTimesteps})`);
  return { signal: Math.sqrt(alpha), noise: Math.sqrt(1 - alpha) };
}

/** x_t = √ᾱ_t · x_0 + √(1 − ᾱ_t) · ε (diffusers' `add_noise`). All (4, h, w). */
export function addNoise(schedule: NoiseSchedule, latents: Float32Array, noise: Float32Array, t: number): Float32Array {
  const share = signalAndNoise(schedule, t);
  return latents.map((x, i) => share.signal * x + share.noise * (noise[i] as number));
}

/** What the U-Net should answer: ε, or v = √ᾱ_t · ε − √(1 − ᾱ_t) · x_0 (diffusers' `get_velocity`). All (4, h, w). */
export function target(schedule: NoiseSchedule, latents: Float32Array, noise: Float32Array, t: number): Float32Array {
  if (schedule.predictionType === 'epsilon') return noise;
  const share = signalAndNoise(schedule, t);
  return latents.map((x, i) => share.signal * (noise[i] as number) - share.noise * x);
}

function number(config: Json, key: string, otherwise: number): number {
  const value = config[key] ?? otherwise;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw refused(key, 'a number', value);
  return value;
}

/** The first of `values` where the key is absent: diffusers' default. */
function oneOf<V extends string>(config: Json, key: string, values: readonly [V, ...V[]]): V {
  const value = config[key] ?? values[0];
  const found = values.find((v) => v === value);
  if (found === undefined) throw refused(key, values.join(' or '), value);
  return found;
}

const refused = (key: string, expected: string, got: unknown) =>
  new Trouble('not-this-family', { key, expected, got: JSON.stringify(got) });
