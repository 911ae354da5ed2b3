// A picture asked for in; text states, latents and pixels on the way; a PNG with its request out.
import { type GenerateRequest, generate, type Predictor } from '../diffusion/generate.ts';
import type { NoiseSchedule } from '../diffusion/noise-schedule.ts';
import { normals } from '../diffusion/random.ts';
import { Trouble } from '../trouble.ts';
import type { DrawRequest, OnProgress, Picture } from './api.ts';
import type { EncoderRoom } from './encoder-room.ts';
import { toPng } from './png.ts';

/** What drawing needs of the open model. */
export interface Canvas {
  encoders: EncoderRoom;
  schedule: NoiseSchedule;
  latentHeight: number;
  latentWidth: number;
}
export type TextStates = Pick<GenerateRequest, 'prompt' | 'negativePrompt'>;

/** Text states of a request. Needs no GPU: done before the picture's turn comes. */
export async function readPrompt(canvas: Canvas, request: DrawRequest, onProgress: OnProgress): Promise<TextStates> {
  onProgress({ phase: 'encoding-text', done: 0, total: 1 });
  const [prompt, negativePrompt] = await canvas.encoders.textStates([request.prompt, request.negativePrompt]);
  return { prompt: prompt!, negativePrompt: negativePrompt! };
}

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
  const { seed, steps, guidance } = request;
  const noise = normals({ seed, purpose: 'picture' }, 4 * canvas.latentHeight * canvas.latentWidth);
  onProgress({ phase: 'drawing', done: 0, total: steps });
  return generate(signal, unet, canvas.schedule, { ...text, noise, steps, guidance, strength }, (done, total) =>
    onProgress({ phase: 'drawing', done, total }),
  );
}

/** The picture that latents (scaled, as the U-Net has them) stand for. */
export async function develop(
  canvas: Canvas,
  latents: Float32Array,
): Promise<{ png: Blob; width: number; height: number }> {
  const { latentHeight, latentWidth } = canvas;
  const encoders = await canvas.encoders.open();
  const unscaled = latents.map((value) => value / encoders.scalingFactor);
  const pixels = await encoders.decode(unscaled, latentHeight, latentWidth);
  const [height, width] = [latentHeight * encoders.downscale, latentWidth * encoders.downscale];
  return { png: await toPng(pixels, height, width), width, height };
}

/** The finished picture; `begun` is performance.now() at the start of its turn. */
export const finish = async (
  canvas: Canvas,
  latents: Float32Array,
  request: DrawRequest,
  begun: number,
): Promise<Picture> => ({
  kind: 'full',
  ...(await develop(canvas, latents)),
  request,
  ms: performance.now() - begun,
});

/** Throws Trouble 'bad-setting' for what no picture can be drawn with. */
export function checkRequest(request: DrawRequest, schedule: NoiseSchedule): void {
  const bad = (setting: string, expected: string, got: number) =>
    new Trouble('bad-setting', { setting, expected, got: String(got) });
  const { steps, guidance, strength, seed } = request;
  const most = schedule.trainTimesteps - schedule.stepsOffset;
  if (!(Number.isInteger(steps) && steps >= 1 && steps <= most))
    throw bad('steps', `a whole number from 1 to ${most}`, steps);
  if (!(guidance >= 0 && guidance <= 100)) throw bad('guidance', 'a number from 0 to 100', guidance);
  if (!(strength >= -10 && strength <= 10)) throw bad('strength', 'a number from -10 to 10', strength);
  if (!(Number.isSafeInteger(seed) && seed >= 0)) throw bad('seed', 'a whole number from 0', seed);
}
