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

export interface ModelInfo {
  id: string; // 'demo'
  name: string;
  bytes: number; // all files together
  resolution: number; // px, square: what a photo is cropped to
  source: string;
  licence: string;
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
  previewEvery: number; // steps; also the interval of held-out loss and saved moments; 0 = only at the end
  previewSteps: number; // DDIM steps of a preview picture
  activations: 'f32' | 'f16';
  recompute: 'on' | 'off' | 'auto';
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
}
export interface Picture {
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
  openModel(modelId: string, onProgress: OnProgress): Promise<ModelInfo>;
  readPhoto(name: string, file: Blob, known: { id: string; fingerprint: string }[]): Promise<PhotoReading>;
  tokens(text: string, identifier: string): Promise<TokenReport>;
  suggestIdentifier(): Promise<string>;
  /** Memory, time and file size of a run before it starts (null ms until measured on this GPU). */
  forecast(
    settings: TrainingSettings,
  ): Promise<{ gpuBytes: GpuBytes; flopsPerStep: number; adapterBytes: number; msPerStep: number | null }>;
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
