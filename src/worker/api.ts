// The seam between the page and the studio worker: types only. The page calls `StudioClient` (client.ts, AbortSignal first); the worker
// implements `Studio` and is reached through Comlink. Long work reports progress as data and stops cleanly between submits.

export type Phase =
  | 'opening-model'
  | 'reading-photos'
  | 'encoding-photos'
  | 'encoding-text'
  | 'preparing-gpu'
  | 'training'
  | 'measuring'
  | 'drawing'
  | 'saving';
export interface Progress {
  phase: Phase;
  done: number;
  total: number;
}
export type OnProgress = (progress: Progress) => void;

/** What the GPU is, before anything is asked of it. `kind` is a guess from the adapter's own words. */
export interface GpuReport {
  name: string;
  kind: 'discrete' | 'integrated' | 'software' | 'unknown';
  vendor: string;
  architecture: string;
  features: string[];
  limits: {
    maxStorageBufferBindingSize: number;
    maxBufferSize: number;
    maxComputeWorkgroupStorageSize: number;
    maxComputeInvocationsPerWorkgroup: number;
  };
}

/** How the U-Net's frozen weights lie on the GPU. int8: in blocks of 32 that share a scale; half the memory. */
export type WeightStorage = 'f16' | 'int8';

export interface ModelInfo {
  id: string; // 'demo'
  name: string;
  bytes: number; // all files together
  resolution: number; // px, square: what the model was trained at
  sizes: number[]; // px, square, smallest first: what it can be trained and drawn at here; `resolution` is the last
  source: string;
  licence: string;
}

/** A model that can be opened, or that could once it is here. */
export interface ModelListing {
  id: string; // 'demo', 'sd15', or that of a checkpoint that was taken in
  name: string;
  source: string; // host and repository, or the file's name
  licence: string;
  licenceUrl: string | null;
  /** The licence must be accepted before the first byte is fetched. */
  asksLicence: boolean;
  bytes: number; // all its files
  storedBytes: number; // of them, what is in this browser
  /** doubted: all is here, but a file's sha256 is not the one we expect; it was kept aside and may be used or fetched again. */
  state: 'absent' | 'part' | 'complete' | 'doubted';
  doubts: { file: string; expected: string; got: string }[];
}
/** Bytes on their way into this browser's storage. */
export interface Transfer {
  phase: 'checking' | 'fetching' | 'converting';
  doneBytes: number; // what was stored before included
  totalBytes: number;
  bytesPerSecond: number | null; // null: too early to tell
  msLeft: number | null;
  waitingMs: number | null; // the server asked for patience (429, 503) or the connection broke: the next try is in so many ms
}
export type OnTransfer = (transfer: Transfer) => void;
export interface StorageReport {
  usedBytes: number | null; // null: the browser does not say
  freeBytes: number | null;
  persisted: boolean; // the browser promised not to clear it when the disk runs low
}

/** A centre-relative square crop: centre and side as fractions of the oriented photo's width, height and short side. */
export interface Crop {
  x: number; // 0…1, centre
  y: number; // 0…1, centre
  size: number; // 0…1 of the short side; 1 = the largest square
}
export interface PhotoReading {
  width: number; // px, after EXIF orientation
  height: number;
  thumbnail: Blob; // PNG or JPEG, ≤ 512 px, oriented
  fingerprint: string; // perceptual hash, for near-duplicates
  flags: PhotoFlag[];
}
export type PhotoFlag =
  | { kind: 'too-small'; shortSide: number; needs: number }
  | { kind: 'near-duplicate'; of: string }
  | { kind: 'blurred' };
export interface Photo {
  id: string;
  name: string; // file name
  file: Blob; // the user's own bytes
  reading: PhotoReading;
  crop: Crop;
  caption: string; // '' = the name sentence
  use: boolean;
}

export interface TokenReport {
  pieces: string[]; // the words' BPE pieces without start, end and padding; '</w>' stripped
  ids: number[];
  ordinaryWord: boolean; // the identifier is one common token: it already means something
  nonLatin: boolean; // becomes bytes that the model never learned
  wordsCut: number; // words past 75 tokens
}

export type Schedule = 'constant' | 'linear' | 'cosine';
export interface TrainingSettings {
  steps: number;
  batch: number;
  accumulate: number;
  learningRate: number;
  schedule: Schedule;
  warmupSteps: number;
  clip: number; // gradient norm
  rank: number;
  alpha: number;
  seed: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  keptAside: number; // photos held out
  heldOutDraws: number; // noise levels that each measured photo is measured at
  previewEvery: number; // steps; also the interval of held-out loss and saved moments; 0 = only at the end
  previewSteps: number; // DDIM steps of a preview picture
  activations: 'f32' | 'f16';
  recompute: 'on' | 'off' | 'auto';
  resolution: number; // px, square; one of ModelInfo.sizes
  weights: WeightStorage;
}
export interface TrainingJob {
  runId: string; // a job with the id of a stored run goes on from its last saved step
  modelId: string;
  identifier: string;
  classNoun: string;
  photos: { id: string; name: string; file: Blob; crop: Crop; caption: string }[];
  settings: TrainingSettings;
}
export interface GpuBytes {
  weights: number;
  arena: number;
  lora: number;
  staging: number;
  total: number;
}
/** What one phase of a run takes at its peak. */
export interface PhaseNeeds {
  phase: 'encode' | 'train' | 'preview' | 'decode'; // decode: a finished picture
  gpuBytes: number;
  ramBytes: number; // onnxruntime's WASM memory, roughly
  ms: number | null; // one photo, one step, one preview, one picture; null: not measured on this computer yet
}
export interface Forecast {
  gpuBytes: GpuBytes; // while training
  phases: PhaseNeeds[];
  /** The most that any phase takes: whether a run fits is judged by it. */
  peakGpuBytes: number;
  flopsPerStep: number;
  adapterBytes: number;
  msPerStep: number | null; // measured on this computer; null = not yet
}
export type TrainEvent =
  | { kind: 'progress'; progress: Progress }
  | { kind: 'planned'; gpuBytes: GpuBytes; flopsPerStep: number; dispatchesPerStep: number; adapterBytes: number }
  | { kind: 'resumed'; step: number }
  | {
      kind: 'step';
      step: number;
      loss: number;
      learningRate: number;
      gradientNorm: number;
      msPerStep: number;
      msLeft: number;
    }
  | { kind: 'held-out'; step: number; loss: number; on: 'kept-aside' | 'training' }
  | { kind: 'preview'; step: number; picture: Picture }
  | { kind: 'saved'; step: number }
  | { kind: 'not-saved'; step: number; keptStep: number } // the disk is full: the run pauses, what is stored stays good
  | { kind: 'paused'; step: number }
  | { kind: 'device-lost'; step: number };

/** A finished or stopped run; also what `storage` keeps of it. */
export interface RunSummary {
  runId: string;
  modelId: string;
  adapterId: string;
  identifier: string;
  classNoun: string;
  settings: TrainingSettings;
  step: number; // last trained step
  bestStep: number; // lowest held-out loss
  losses: number[]; // one per step, index 0 = step 1
  heldOut: { step: number; loss: number }[];
  heldOutOn: 'kept-aside' | 'training';
  moments: number[]; // steps whose adapter is stored
  state: 'running' | 'paused' | 'stopped' | 'done';
  startedAt: number; // ms since epoch
  msPerStep: number;
  gpuBytes: GpuBytes;
  flopsPerStep: number;
  dispatchesPerStep: number;
}

export interface DrawRequest {
  prompt: string;
  negativePrompt: string;
  seed: number;
  steps: number; // DDIM
  guidance: number;
  adapterId: string | null; // null = without
  moment: number | null; // saved step; null = the best
  strength: number;
  size: number; // px, square; one of ModelInfo.sizes
  weights: WeightStorage;
}
export interface Picture {
  /** sketch: latents seen as colours, one pixel each; what a run shows of itself where a full decode would hold it up. */
  kind: 'full' | 'sketch';
  png: Blob;
  width: number;
  height: number;
  request: DrawRequest;
  ms: number;
}

export type AdapterLayout = 'kohya' | 'diffusers';
export interface AdapterFile {
  name: string; // aawxbc-figurine.safetensors
  bytes: Uint8Array;
}
export interface AdapterInfo {
  adapterId: string;
  name: string;
  identifier: string;
  classNoun: string;
  modelId: string;
  rank: number;
  moments: number[];
  bestStep: number;
  createdAt: number;
  fileBytes: Record<AdapterLayout, number>;
}

/** What a reload brings back: everything the user typed or dropped. */
export interface Project {
  modelId: string | null;
  photos: Photo[];
  identifier: string;
  classNoun: string;
  settings: Partial<TrainingSettings> & { preset: string };
  runId: string | null;
}

/** The worker's methods. Every rejection is a `Trouble` (trouble.ts) or a bug. */
export interface Studio {
  inspect(): Promise<GpuReport>;
  /** Every model there is, what of it is here, and in what state. Looks at what is stored, asks no server. */
  models(): Promise<ModelListing[]>;
  storage(): Promise<StorageReport>;
  acceptLicence(modelId: string): Promise<void>;
  /** Fetches what is missing of a model. Ended in the middle it keeps what it has: called again, it goes on from there. */
  fetchModel(modelId: string, onTransfer: OnTransfer): Promise<void>;
  /** Takes in a checkpoint of the user's, converted to f16: a `.safetensors` file, or the files of a diffusers folder with their paths. */
  importModel(files: { path: string; file: Blob }[], onTransfer: OnTransfer): Promise<ModelListing>;
  /** Takes a doubted model's files as they are. */
  trustModel(modelId: string): Promise<void>;
  /** Throws a doubted model's odd files away, so that fetchModel fetches them again. */
  doubtModel(modelId: string): Promise<void>;
  deleteModel(modelId: string): Promise<void>;
  /** The demo model is fetched if need be; any other must be here whole (Trouble 'model-incomplete'). */
  openModel(modelId: string, onProgress: OnProgress): Promise<ModelInfo>;
  /** Needs no open model. `needs`: px that the short side should have, the resolution it is to be learned at. */
  readPhoto(
    name: string,
    file: Blob,
    known: { id: string; fingerprint: string }[],
    needs: number,
  ): Promise<PhotoReading>;
  tokens(text: string, identifier: string): Promise<TokenReport>;
  suggestIdentifier(): Promise<string>;
  /** Memory, time and file size of a run before it starts (null ms until measured on this GPU). */
  forecast(settings: TrainingSettings): Promise<Forecast>;
  /** ms per step, from ten steps on this GPU with these settings; remembered for forecasts. Nothing of it is kept otherwise. */
  measure(settings: TrainingSettings, onProgress: OnProgress): Promise<number>;
  draw(request: DrawRequest, onProgress: OnProgress): Promise<Picture>;
  train(job: TrainingJob, onEvent: (event: TrainEvent) => void): Promise<RunSummary>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends the current train() or draw() at the next boundary; what was trained is kept and train() resolves. */
  stop(): Promise<void>;
  /** Draws a preview at the next step boundary. */
  previewNow(): Promise<void>;
  runs(): Promise<RunSummary[]>;
  /** Pictures that a stored run has drawn of itself, in the order of their steps. */
  previews(runId: string): Promise<{ step: number; picture: Picture }[]>;
  /** A preview that was kept as a sketch, decoded in full; the full picture takes its place. */
  developPreview(runId: string, step: number, onProgress: OnProgress): Promise<Picture>;
  forgetRun(runId: string): Promise<void>;
  adapters(): Promise<AdapterInfo[]>;
  adapterFile(adapterId: string, moment: number | null, layout: AdapterLayout): Promise<AdapterFile>;
  readAdapter(name: string, file: Blob): Promise<AdapterInfo>;
  deleteAdapter(adapterId: string): Promise<void>;
  /** held-out.safetensors of a stored run: everything its held-out loss was measured on, for anyone who wants to compute it again. */
  evidence(runId: string): Promise<Uint8Array>;
  saveProject(project: Project): Promise<void>;
  loadProject(): Promise<Project | null>;
}
