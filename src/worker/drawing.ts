// A picture asked for in; text states, latents and pixels on the way; a PNG with its request out.
import { type GenerateRequest, generate, type Predictor } from '../diffusion/generate.ts';
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts';
import type { DrawRequest, Picture } from '../diffusion/picture.ts';
import { normals } from '../diffusion/random.ts';
import { mostSteps, type Sampler, samplers } from '../diffusion/samplers.ts';
import { type SketchMap, sketch } from '../diffusion/sketch.ts';
import { torchGenerator } from '../diffusion/torch-random.ts';
import type { WeightStorage } from '../gpu/engine-types.ts';
import type { OnProgress } from '../progress.ts';
import { timed } from '../training/awake-clock.ts';
import { Trouble } from '../trouble.ts';
import type { EncoderRoom } from './encoder-room.ts';
import { toPng } from './png.ts';
import type { Timings } from './timings.ts';
import type { VaeRoom } from './vae-room.ts';

/** What drawing needs of the open model. */
export interface Canvas {
  encoders: EncoderRoom;
  vae: VaeRoom;
  schedule: NoiseSchedule;
  downscale: number; // px a latent pixel, each way
  textWidth: number; // of a text state
  sizes: readonly number[]; // px: what can be drawn
  textRam: number; // bytes of the computer's memory while text is encoded
  timings: Timings;
}
export type Shown = Pick<Picture, 'kind' | 'png' | 'width' | 'height' | 'again'>;
export type TextStates = Pick<GenerateRequest, 'prompt' | 'negativePrompt'>;

/** Text states of a request, as many tokens of both prompts. Needs no GPU: done before the picture's turn comes. */
export async function readPrompt(canvas: Canvas, request: DrawRequest, onProgress: OnProgress): Promise<TextStates> {
  onProgress({ phase: 'encoding-text', done: 0, total: 1 });
  const asked = [request.prompt, request.negativePrompt];
  const [prompt, negativePrompt] = await canvas.encoders.promptStates(asked, request.clipSkip);
  return { prompt: prompt!, negativePrompt: negativePrompt! };
}

/** Tokens of a text state, start and end included: what an engine is built to read. */
export const tokensOf = ({ prompt }: TextStates, { textWidth }: Pick<Canvas, 'textWidth'>): number =>
  prompt.length / textWidth;

/** Latents of the request by the U-Net as it is, adapter at `strength`. Same seed, same noise, with and without. */
export function drawLatents(
  signal: AbortSignal,
  canvas: Canvas,
  unet: Predictor,
  request: DrawRequest,
  text: TextStates,
  strength: number,
  onProgress: OnProgress,
): Promise<Float32Array> {
  const { seed, sampler = 'ddim', steps, guidance, size } = request;
  const values = 4 * (size / canvas.downscale) ** 2;
  const { randn } = torchGenerator(seed);
  const noise = () => (request.sampler ? randn(values) : normals({ seed, purpose: 'picture' }, values));
  onProgress({ phase: 'drawing', done: 0, total: steps });
  return generate(
    signal,
    unet,
    canvas.schedule,
    { ...text, noise, sampler, steps, guidance, strength },
    (done, total) => onProgress({ phase: 'drawing', done, total }),
  );
}

/** The picture that latents (scaled, as the U-Net has them) of a square of `size` px stand for: decoded in full. In its turn on the GPU. */
export async function develop(canvas: Canvas, latents: Float32Array, size: number): Promise<Shown> {
  const { vae, timings } = canvas;
  const unscaled = latents.map((value) => value / vae.scalingFactor);
  const { result, ms } = await timed(() => vae.decode(unscaled, size));
  const { pixels, again } = result;
  timings.note({ kind: 'decode', size }, ms);
  const png = await toPng(pixels, size, size);
  return { kind: 'full', png, width: size, height: size, ...(again && { again: true as const }) };
}

/** A run may be held up by a preview's decoding for so long; beyond, it shows sketches. */
const QUICK_MS = 2000;

/** In full where that is quick, as timed on this card or else by its speed, and there is memory for it; else a sketch. */
export async function developOrSketch(
  canvas: Canvas,
  latents: Float32Array,
  size: number,
  map: SketchMap,
): Promise<Shown> {
  const { timings, vae } = canvas;
  const ms = (await timings.known({ kind: 'decode', size })) ?? (await vae.decodeMs(size));
  if (ms > QUICK_MS) return sketched(map, latents);
  try {
    return await develop(canvas, latents, size);
  } catch (error) {
    if (error instanceof Trouble && error.code === 'out-of-memory') return sketched(map, latents);
    throw error;
  }
}

/** The same latents as a sketch, one pixel each: at once, and without the VAE. */
async function sketched(map: SketchMap, latents: Float32Array): Promise<Shown> {
  const side = Math.sqrt(latents.length / 4);
  return { kind: 'sketch', png: await toPng(sketch(map, latents), side, side), width: side, height: side };
}

/** Throws Trouble 'bad-setting' for what no picture can be drawn with. */
export function checkRequest(request: DrawRequest, { schedule, sizes }: Pick<Canvas, 'schedule' | 'sizes'>): void {
  const bad = (setting: string, expected: string, got: number) =>
    new Trouble('bad-setting', { setting, expected, got: String(got) });
  const { sampler, steps, guidance, strength, seed, beside } = request;
  const most = mostSteps(schedule);
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= most))
    throw bad('steps', `a whole number from 1 to ${most}`, steps);
  if (sampler !== undefined) checkSampler('sampler', sampler);
  checkSize('size', request.size, sizes);
  checkWeights(request.weights);
  if (!(guidance >= 0 && guidance <= 100)) throw bad('guidance', 'a number from 0 to 100', guidance);
  for (const given of [strength, ...(beside ?? []).map((one) => one.strength)])
    if (!(given >= -10 && given <= 10)) throw bad('strength', 'a number from -10 to 10', given);
  if (!(Number.isSafeInteger(seed) && seed >= 0)) throw bad('seed', 'a whole number from 0', seed);
}

/** Throws Trouble 'bad-setting' for a size that the open model is not drawn or trained at here. */
export function checkSize(setting: string, size: number, sizes: readonly number[]): void {
  if (!sizes.includes(size))
    throw new Trouble('bad-setting', { setting, expected: sizes.join(' or '), got: String(size) });
}
export function checkWeights(weights: WeightStorage): void {
  if (weights !== 'f16' && weights !== 'int8')
    throw new Trouble('bad-setting', { setting: 'weights', expected: 'f16 or int8', got: String(weights) });
}
export function checkSampler(setting: string, sampler: Sampler): void {
  if (!samplers.includes(sampler))
    throw new Trouble('bad-setting', { setting, expected: samplers.join(' or '), got: String(sampler) });
}
