// In: a job from tools/demo.ts. Out: the whole way through by the page's own StudioClient, in a page without the interface; files as base64.
import { newId } from './new-id.ts';
import { presetSettings } from './ui/train/presets.ts';
import type {
  ClassPicture,
  DrawRequest,
  GpuReport,
  ModelInfo,
  Phase,
  Photo,
  Picture,
  RunSummary,
  TrainEvent,
  TrainingSettings,
} from './worker/api.ts';
import { classSentence, StudioClient, tasteOf } from './worker/client.ts';

export interface AutomationJob {
  /** Of a run that may have begun in an earlier visit: it goes on then. Absent: a new one. */
  runId?: string;
  photos: { name: string; base64: string }[];
  identifier: string;
  classNoun: string;
  /** What the picture without and with the adapter shows; null: none are drawn. */
  prompt: string | null;
  /** What is not said is what the page itself would take. */
  settings: Partial<TrainingSettings>;
}
export interface AutomationResult {
  gpu: GpuReport;
  summary: RunSummary;
  photosUsed: string[];
  files: Record<'adapter.safetensors' | 'adapter.diffusers.safetensors' | 'held-out.safetensors', string> &
    Partial<Record<'base.png' | 'adapted.png' | 'compare.png', string>>;
}
type Say = (line: string) => void;
/** What a run is at: a class picture is drawn, or what training tells. */
export interface Heard {
  kind: 'class-picture' | TrainEvent['kind'];
  step: number;
  phase?: Phase; // of a kind 'progress': one that begins
}

/** What a program finds on this page. */
export interface Automation {
  run(job: AutomationJob): Promise<AutomationResult>;
}
declare global {
  interface Window {
    darkroom: Automation;
    /** Given by the program: hears a line of progress. */
    say?: Say;
    /** Likewise: hears everything that the run tells of itself. */
    hear?: (heard: Heard) => void;
  }
}

const never = new AbortController().signal;
const say: Say = (line) => window.say?.(line);
window.darkroom = { run };

async function run(job: AutomationJob): Promise<AutomationResult> {
  const studio = new StudioClient();
  const gpu = await studio.inspect();
  say(`GPU: ${gpu.name} (${gpu.kind})`);
  const model = await studio.openModel(never, 'demo', () => {});
  say(`Model: ${model.name}, ${(model.bytes / 1e6).toFixed(1)} MB, ${model.resolution} px`);

  const photos = await readPhotos(studio, job, model.resolution);
  const settings = await settingsOf(studio, job, photos.length, model);
  const classPictures = await drawClass(studio, job, settings);
  const trained = photos.map(({ id, name, file, crop, caption }) => ({ id, name, file, crop, caption }));
  const summary = await studio.train(
    never,
    {
      runId: job.runId ?? `demo-${Date.now()}`,
      modelId: 'demo',
      identifier: job.identifier,
      classNoun: job.classNoun,
      photos: trained,
      classPictures,
      settings,
    },
    trainingLines(settings.steps),
  );

  const pictures = job.prompt === null ? {} : await draw(studio, job.prompt, job.identifier, summary, photos);
  const kohya = await studio.adapterFile(summary.adapterId, summary.step, 'kohya');
  const diffusers = await studio.adapterFile(summary.adapterId, summary.step, 'diffusers');
  const evidence = await studio.evidence(summary.runId);
  return {
    gpu,
    summary,
    photosUsed: photos.map((photo) => photo.name),
    files: {
      'adapter.safetensors': base64(kohya.bytes),
      'adapter.diffusers.safetensors': base64(diffusers.bytes),
      'held-out.safetensors': base64(evidence),
      ...pictures,
    },
  };
}

/** What the model makes of the class sentence, one picture a seed, each kept as soon as it is there: a later visit draws those that lack. */
async function drawClass(
  studio: StudioClient,
  { classNoun }: AutomationJob,
  { classPictures, classPrompt, seed, resolution, weights }: TrainingSettings,
): Promise<ClassPicture[]> {
  const request = { prompt: classSentence(classPrompt, classNoun), negativePrompt: '', adapterId: null, moment: null };
  const how = { ...tasteOf('demo'), steps: 25, strength: 0, size: resolution, weights };
  const set = JSON.stringify([request, how, seed]);
  const kept = new Map((await studio.classPictures(set)).map(({ index, picture }) => [index, picture]));
  for (let i = 0; i < classPictures; i++) {
    if (kept.has(i)) continue;
    window.hear?.({ kind: 'class-picture', step: 0 });
    const { png } = await studio.draw(never, { ...request, ...how, seed: seed + i }, () => {});
    kept.set(i, { name: `class-${i}.png`, file: png });
    await studio.keepClassPicture(set, i, { name: `class-${i}.png`, file: png });
  }
  if (classPictures > 0) say(`Class pictures: ${classPictures} of “${request.prompt}”`);
  return [...kept].sort(([a], [b]) => a - b).map(([, picture]) => picture);
}

/** The same picture without and with the adapter, and both beside a photo. */
async function draw(
  studio: StudioClient,
  prompt: string,
  identifier: string,
  { adapterId, step, settings }: RunSummary,
  photos: readonly Photo[],
): Promise<Pick<AutomationResult['files'], 'base.png' | 'adapted.png' | 'compare.png'>> {
  const { sampler, steps, guidance } = tasteOf('demo');
  const picture = async (adapterId: string | null): Promise<Picture> => {
    const request: DrawRequest = {
      ...{ prompt, negativePrompt: '', seed: settings.seed, sampler, steps, guidance },
      ...{ adapterId, moment: adapterId === null ? null : step, strength: 1 },
      ...{ size: settings.resolution, weights: settings.weights },
    };
    const drawn = await studio.draw(never, request, () => {});
    say(`Picture ${adapterId === null ? 'without' : 'with'} the adapter: ${(drawn.ms / 1000).toFixed(1)} s`);
    return drawn;
  };
  const base = await picture(null);
  const adapted = await picture(adapterId);
  const compared = await sideBySide([
    { label: 'a photo', picture: (photos[0] as Photo).reading.thumbnail },
    { label: 'without', picture: base.png },
    { label: `with ${identifier}`, picture: adapted.png },
  ]);
  return {
    'base.png': base64(await bytesOf(base.png)),
    'adapted.png': base64(await bytesOf(adapted.png)),
    'compare.png': base64(compared),
  };
}

async function readPhotos(studio: StudioClient, job: AutomationJob, needs: number): Promise<Photo[]> {
  const photos: Photo[] = [];
  for (const { name, base64 } of job.photos) {
    const id = newId();
    const bytes = new Blob([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))]);
    const known = photos.map(({ id, reading }) => ({ id, fingerprint: reading.fingerprint }));
    try {
      const { reading, file } = await studio.readPhoto(never, id, name, bytes, known, needs);
      photos.push({ ...{ id, name, file, reading }, crop: { x: 0.5, y: 0.5, size: 1 }, caption: '', use: true });
    } catch (error) {
      say(`Left out ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (photos.length === 0) throw new Error(`none of the ${job.photos.length} files could be read as a photo`);
  say(`Photos: ${photos.length}`);
  return photos;
}

/** A step quicker than this leaves time for twice as many: on a software GPU one takes a second. */
const FAST_STEP_MS = 300;

/** The page's own recipe, but held-out loss at the two ends only: nothing but training between them is timed. */
async function settingsOf(
  studio: StudioClient,
  job: AutomationJob,
  photos: number,
  { id, resolution }: ModelInfo,
): Promise<TrainingSettings> {
  const preset = presetSettings('balanced', photos, id, resolution);
  const ends = { previewEvery: 0, previewSteps: 1 }; // nobody looks at the two previews: the pictures are drawn afterwards
  const alpha = job.settings.rank ?? preset.alpha;
  const settings = { ...preset, ...ends, alpha, ...job.settings };
  if (job.settings.steps !== undefined) return settings;
  const ms = await studio.measure(never, settings, () => {});
  const steps = ms < FAST_STEP_MS ? 2 * settings.steps : settings.steps;
  say(`A step takes ${ms.toFixed(0)} ms: ${steps} steps`);
  return { ...settings, steps };
}

function trainingLines(steps: number): (event: TrainEvent) => void {
  let phase = '';
  let at = 0;
  return (event) => {
    if ('step' in event) at = event.step;
    const doing = event.kind === 'progress' && event.progress.phase !== phase ? { phase: event.progress.phase } : {};
    if (event.kind !== 'progress' || doing.phase) window.hear?.({ kind: event.kind, step: at, ...doing });
    if (event.kind === 'progress' && event.progress.phase !== phase) {
      phase = event.progress.phase;
      if (phase !== 'training') say(`${phase.replaceAll('-', ' ')} …`);
    } else if (event.kind === 'planned') {
      const { gpuBytes, flopsPerStep, dispatchesPerStep } = event;
      say(
        `Plan: ${(gpuBytes.total / 1e6).toFixed(1)} MB on the GPU, ${(flopsPerStep / 1e9).toFixed(2)} GFLOP and ${dispatchesPerStep} dispatches a step`,
      );
    } else if (event.kind === 'step' && (event.step % 25 === 0 || event.step === 1)) {
      const { step, loss, msPerStep, msLeft } = event;
      say(
        `Step ${step} of ${steps}: loss ${loss.toFixed(4)}, ${msPerStep.toFixed(0)} ms a step, ${Math.round(msLeft / 1000)} s left`,
      );
    } else if (event.kind === 'held-out')
      say(`Held-out loss at step ${event.step}: ${event.loss.toFixed(5)} (${event.on})`);
    else if (event.kind === 'device-lost') say(`The GPU was lost at step ${event.step}; going on from what was saved`);
    else if (event.kind === 'held-back') say('The browser holds back graphics; asking again');
  };
}

/** Pictures of one height in a row, each with its name under it. */
async function sideBySide(cells: { label: string; picture: Blob }[]): Promise<Uint8Array> {
  const side = 384;
  const gap = 24;
  const foot = 56;
  const canvas = new OffscreenCanvas(cells.length * (side + gap) + gap, side + gap + foot);
  const ink = canvas.getContext('2d');
  if (!ink) throw new Error('no 2D canvas');
  ink.fillStyle = '#141312';
  ink.fillRect(0, 0, canvas.width, canvas.height);
  ink.font = '22px sans-serif';
  ink.textAlign = 'center';
  ink.fillStyle = '#f3efeb';
  ink.imageSmoothingQuality = 'high';
  for (const [i, { label, picture }] of cells.entries()) {
    const image = await createImageBitmap(picture);
    const x = gap + i * (side + gap);
    const scale = side / Math.max(image.width, image.height);
    const [w, h] = [image.width * scale, image.height * scale];
    ink.drawImage(image, x + (side - w) / 2, gap + (side - h) / 2, w, h);
    ink.fillText(label, x + side / 2, side + gap + 36);
    image.close();
  }
  return bytesOf(await canvas.convertToBlob({ type: 'image/png' }));
}

const bytesOf = async (blob: Blob): Promise<Uint8Array> => new Uint8Array(await blob.arrayBuffer());

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}
