// A training job in: its photos read, cropped and encoded, its sentences encoded; the training set out, with what evidence needs.
import { captionOf, nameSentence } from '../dataset/caption.ts';
import { photoPixels } from '../dataset/pixels.ts';
import { splitPhotos } from '../dataset/split.ts';
import { tasteOf } from '../diffusion/picture-taste.ts';
import { fitSketch, type SketchMap } from '../diffusion/sketch.ts';
import type { OnProgress } from '../progress.ts';
import { photoBytes, type RunPhotoStore } from '../storage/run-photos.ts';
import { timed } from '../training/awake-clock.ts';
import { type EncodedPhoto, meanLatents, type TrainingSet } from '../training/examples.ts';
import { heldOutPhotos } from '../training/held-out.ts';
import type { TrainingJob } from '../training/job.ts';
import type { TrainingSettings } from '../training/settings.ts';
import { Trouble } from '../trouble.ts';
import { type Canvas, checkSampler, checkSize, checkWeights } from './drawing.ts';

export interface PreparedRun {
  set: TrainingSet;
  prompt: string; // the name sentence
  /** (3, resolution, resolution) of each photo that held-out loss is measured on, in heldOutPhotos' order. */
  measuredPixels: Float32Array[];
  /** How latents look, by these photos. */
  sketch: SketchMap;
}
/** (3, resolution, resolution) of a photo of the job, in [−1, 1]. */
export type ReadPixels = (photo: TrainingJob['photos'][number], resolution: number) => Promise<Float32Array>;
/** From the page's Blob, or where that cannot be read from the stored one's. */
export const pixelsFrom =
  (stored: Pick<RunPhotoStore, 'file'>): ReadPixels =>
  async (photo, resolution) => {
    const { bytes } = await photoBytes(photo, stored);
    return photoPixels(photo.name, new Blob([bytes], { type: photo.file.type }), photo.crop, resolution);
  };
type Reads = Pick<Canvas, 'encoders' | 'vae' | 'schedule' | 'downscale' | 'timings'>;

/** Encodes everything a run reads, then closes text encoder and VAE: the memory is the run's. Rejects with an AbortError once `stopping` says so. */
export async function prepareRun(
  { encoders, vae, schedule, downscale, timings }: Reads,
  job: TrainingJob,
  stopping: () => boolean,
  onProgress: OnProgress,
  readPixels: ReadPixels,
): Promise<PreparedRun> {
  const { photos, identifier, classNoun, settings } = job;
  const { resolution } = settings;
  const unlessStopped = () => {
    if (stopping()) throw new DOMException('stopped before the first step', 'AbortError');
  };
  const pixels: Float32Array[] = [];
  for (const [i, photo] of photos.entries()) {
    unlessStopped();
    onProgress({ phase: 'reading-photos', done: i, total: photos.length });
    pixels.push(await readPixels(photo, resolution));
  }
  onProgress({ phase: 'reading-photos', done: photos.length, total: photos.length });

  const prompt = nameSentence(identifier, classNoun);
  const sentences = photos.map(({ caption }) => captionOf(caption, identifier, classNoun));
  onProgress({ phase: 'encoding-text', done: 0, total: 1 });
  const preview = prompt + tasteOf(job.modelId).scene;
  const [instancePrompt, , , ...states] = await encoders.textStates([prompt, preview, '', ...sentences]); // '' is the previews' negative prompt
  onProgress({ phase: 'encoding-text', done: 1, total: 1 });

  await encoders.rest();
  const encoded: EncodedPhoto[] = [];
  for (const [i, { name }] of photos.entries()) {
    unlessStopped();
    onProgress({ phase: 'encoding-photos', done: i, total: photos.length });
    const { result: posterior, ms } = await timed(() => vae.encode(pixels[i]!, resolution));
    timings.note({ kind: 'encode', size: resolution }, ms); // the last counts: the first also uploads the encoder
    encoded.push({ name, ...posterior, encoderHiddenStates: states[i]! });
  }
  onProgress({ phase: 'encoding-photos', done: photos.length, total: photos.length });
  await vae.rest();

  const { scalingFactor } = vae;
  const { training, keptAside } = splitPhotos(encoded, settings.keptAside);
  const set: TrainingSet = { photos: training, keptAside, instancePrompt: instancePrompt!, scalingFactor, schedule };
  const measured = heldOutPhotos(set).photos;
  const pictures = encoded.map((photo, i) => ({ latents: meanLatents(photo, scalingFactor), pixels: pixels[i]! }));
  return {
    ...{ set, prompt, measuredPixels: pixels.filter((_, i) => measured.includes(encoded[i]!)) },
    sketch: fitSketch(pictures, resolution / downscale, downscale),
  };
}

/** Throws the Trouble that a job cannot be trained with. `sizes`: the open model's, px. */
export function checkJob({ photos, identifier, classNoun, settings }: TrainingJob, sizes: readonly number[]): void {
  if (photos.length === 0) throw new Trouble('no-photos', {});
  if (identifier.trim() === '') throw new Trouble('no-identifier', {});
  if (classNoun.trim() === '') throw new Trouble('no-class-noun', {});
  checkSize('resolution', settings.resolution, sizes);
  checkWeights(settings.weights);
  checkSampler('previewSampler', settings.previewSampler);
  for (const [setting, { is, expected }] of Object.entries(RULES)) {
    const value = settings[setting as keyof typeof RULES];
    if (!(Number.isFinite(value) && is(value)))
      throw new Trouble('bad-setting', { setting, expected, got: String(value) });
  }
}

const whole = (least: number, most: number) => ({
  is: (value: number) => Number.isInteger(value) && value >= least && value <= most,
  expected: `a whole number from ${least} to ${most}`,
});
const above = (least: number, most: number) => ({
  is: (value: number) => value > least && value <= most,
  expected: `a number above ${least}, at most ${most}`,
});
const from = (least: number, most: number) => ({
  is: (value: number) => value >= least && value < most,
  expected: `a number from ${least}, below ${most}`,
});
const RULES = {
  steps: whole(1, 100_000),
  batch: whole(1, 64),
  accumulate: whole(1, 64),
  learningRate: above(0, 1),
  warmupSteps: whole(0, 100_000),
  clip: above(0, 1e6),
  rank: whole(1, 128),
  alpha: above(0, 1024),
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  beta1: from(0, 1),
  beta2: from(0, 1),
  epsilon: above(0, 1),
  weightDecay: from(0, 100),
  keptAside: whole(0, 100),
  heldOutDraws: whole(1, 1000),
  previewEvery: whole(0, 100_000),
  previewSteps: whole(1, 200),
} satisfies Partial<Record<keyof TrainingSettings, { is(value: number): boolean; expected: string }>>;
