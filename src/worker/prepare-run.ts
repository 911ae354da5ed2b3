// A training job in: its photos read, cropped and encoded, its sentences encoded; the training set out, with what evidence needs.
import { captionOf, classSentence, nameSentence } from '../dataset/caption.ts';
import { type Crop, centreCrop, type Placed } from '../dataset/crop.ts';
import { photoPixels } from '../dataset/pixels.ts';
import { splitPhotos } from '../dataset/split.ts';
import { tasteOf } from '../diffusion/picture-taste.ts';
import { fitSketch, type SketchMap } from '../diffusion/sketch.ts';
import type { OnProgress } from '../progress.ts';
import { photoBytes, type RunPhotoStore } from '../storage/run-photos.ts';
import { timed } from '../training/awake-clock.ts';
import { type EncodedPhoto, meanLatents, type Posterior, type TrainingSet } from '../training/examples.ts';
import { heldOutPhotos } from '../training/held-out.ts';
import type { TrainingJob } from '../training/job.ts';
import { mirrored, viewsOf, wordingsOf } from '../training/views.ts';
import type { Canvas } from './drawing.ts';

export interface PreparedRun {
  set: TrainingSet;
  prompt: string; // the name sentence
  /** (3, resolution, resolution) of each photo that held-out loss is measured on, in heldOutPhotos' order. */
  measuredPixels: Float32Array[];
  /** How latents look, by these photos. */
  sketch: SketchMap;
}
/** (3, resolution, resolution) of a photo of the job, in [−1, 1]. */
export type ReadPixels = (photo: Seen, resolution: number) => Promise<Float32Array>;
/** A photo of the job, or another square of it; or a class picture. */
type Seen = Pick<TrainingJob['photos'][number], 'id' | 'name' | 'file'> & { crop: Crop | Placed };
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
  const wordings = sentences.map((sentence, i) => wordingsOf(settings, i, sentence));
  const classFiles = (job.classPictures ?? []).slice(0, settings.classPictures);
  const classPrompt = classSentence(settings.classPrompt, classNoun);
  onProgress({ phase: 'encoding-text', done: 0, total: 1 });
  const preview = prompt + tasteOf(job.modelId).scene; // '' is the previews' negative prompt
  const asked = [
    prompt,
    preview,
    '',
    ...(classFiles.length > 0 ? [classPrompt] : []),
    ...sentences,
    ...wordings.flat(),
  ];
  const texts = await encoders.textStates(asked, settings.clipSkip);
  const said = (text: string): Float32Array => texts[asked.indexOf(text)] as Float32Array;
  onProgress({ phase: 'encoding-text', done: 1, total: 1 });

  await encoders.rest();
  const learned = splitPhotos(photos, settings.keptAside).training.length;
  const views = photos.map(({ crop }, i) => (i < learned ? viewsOf(settings, i, crop) : []));
  const total = photos.length + views.flat().length + classFiles.length;
  let done = 0;
  const encode = async (values: Float32Array): Promise<Posterior> => {
    unlessStopped();
    onProgress({ phase: 'encoding-photos', done: done++, total });
    const { result: posterior, ms } = await timed(() => vae.encode(values, resolution));
    timings.note({ kind: 'encode', size: resolution }, ms); // the last counts: the first also uploads the encoder
    return posterior;
  };
  const encoded: EncodedPhoto[] = [];
  for (const [i, shown] of photos.entries()) {
    const photo = { name: shown.name, ...(await encode(pixels[i]!)), encoderHiddenStates: said(sentences[i]!) };
    const seen: Posterior[] = [];
    for (const view of views[i]!) {
      const square = await readPixels({ ...shown, crop: view.crop }, resolution);
      seen.push(await encode(view.mirrored ? mirrored(square, resolution) : square));
    }
    encoded.push({
      ...photo,
      ...(seen.length > 0 ? { views: seen } : {}),
      ...(wordings[i]!.length > 0 ? { wordings: wordings[i]!.map(said) } : {}),
    });
  }
  const classPictures: EncodedPhoto[] = [];
  for (const { name, file } of classFiles) {
    const picture = { id: `class ${name}`, name, file, crop: centreCrop };
    const posterior = await encode(await readPixels(picture, resolution));
    classPictures.push({ name, ...posterior, encoderHiddenStates: said(classPrompt) });
  }
  onProgress({ phase: 'encoding-photos', done: total, total });
  await vae.rest();

  const { scalingFactor } = vae;
  const { training, keptAside } = splitPhotos(encoded, settings.keptAside);
  const prompts = { instancePrompt: said(prompt), emptyPrompt: said('') };
  const set: TrainingSet = { photos: training, classPictures, keptAside, ...prompts, scalingFactor, schedule };
  const measured = heldOutPhotos(set).photos;
  const pictures = encoded.map((photo, i) => ({ latents: meanLatents(photo, scalingFactor), pixels: pixels[i]! }));
  return {
    ...{ set, prompt, measuredPixels: pixels.filter((_, i) => measured.includes(encoded[i]!)) },
    sketch: fitSketch(pictures, resolution / downscale, downscale),
  };
}
