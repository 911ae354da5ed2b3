// The seam between the page and the studio worker: types only. The page calls `StudioClient` (client.ts, AbortSignal first); the worker
// implements `Studio` and is reached through Comlink. Long work reports progress as data and stops cleanly between submits.
import type { AdapterFile, AdapterInfo, AdapterLayout, AdapterNumbers } from '../adapter/adapter-info.ts';
import type { CardBench } from '../bench/card-bench.ts';
import type { PhotoReading } from '../dataset/read-photo.ts';
import type { AdapterChoice, DrawRequest, Picture } from '../diffusion/picture.ts';
import type { TokenReport } from '../encoders/tokenizer.ts';
import type { FileKind } from '../files/file-kind.ts';
import type { GpuReport } from '../gpu/report.ts';
import type { OnProgress } from '../progress.ts';
import type { ClassPicture } from '../storage/class-store.ts';
import type { ModelInfo, ModelListing } from '../storage/model-records.ts';
import type { ProjectChange } from '../storage/project-change.ts';
import type { SavedProject, StoredProject } from '../storage/project-store.ts';
import type { Place, Shown } from '../storage/shown-store.ts';
import type { StorageReport } from '../storage/space.ts';
import type { OnTransfer } from '../storage/transfer-meter.ts';
import type { TrainEvent } from '../training/events.ts';
import type { TrainingJob } from '../training/job.ts';
import type { RunSummary } from '../training/run-summary.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { Forecast } from './forecast.ts';

export type { AdapterFile, AdapterInfo, AdapterLayout, AdapterNumbers } from '../adapter/adapter-info.ts';
export type { CardBench } from '../bench/card-bench.ts';
export type { Crop } from '../dataset/crop.ts';
export type { Photo } from '../dataset/photo.ts';
export type { PhotoFlag, PhotoReading } from '../dataset/read-photo.ts';
export type { AdapterChoice, DrawRequest, Picture } from '../diffusion/picture.ts';
export type { Sampler } from '../diffusion/samplers.ts';
export type { TokenReport } from '../encoders/tokenizer.ts';
export type { FileKind } from '../files/file-kind.ts';
export type { GpuBytes, WeightStorage } from '../gpu/engine-types.ts';
export type { GpuReport } from '../gpu/report.ts';
export type { OnProgress, Phase, Progress } from '../progress.ts';
export type { ClassPicture } from '../storage/class-store.ts';
export type { ModelInfo, ModelListing } from '../storage/model-records.ts';
export type { Project, ProjectChange, UnreadablePhoto } from '../storage/project-change.ts';
export type { SavedProject, StoredProject } from '../storage/project-store.ts';
export type { Place, Shown, ShownCell } from '../storage/shown-store.ts';
export type { StorageReport } from '../storage/space.ts';
export type { OnTransfer, Transfer } from '../storage/transfer-meter.ts';
export type { TrainEvent } from '../training/events.ts';
export type { TrainingJob } from '../training/job.ts';
export type { RunSummary } from '../training/run-summary.ts';
export type { Schedule, TrainingSettings } from '../training/settings.ts';
export type { Forecast, PhaseNeeds } from './forecast.ts';

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
  /** What each of these is, by its first bytes; of captions, their text. Never rejects for a file. */
  recognise(files: { name: string; file: Blob }[]): Promise<FileKind[]>;
  /**
   * Needs no open model. `needs`: px that the short side should have, the resolution it is to be learned at. The file's bytes are read once and
   * kept; `file` is that copy, which stays readable whatever becomes of the user's own.
   */
  readPhoto(
    id: string,
    name: string,
    file: Blob,
    known: { id: string; fingerprint: string }[],
    needs: number,
  ): Promise<{ reading: PhotoReading; file: Blob }>;
  tokens(text: string, identifier: string): Promise<TokenReport>;
  suggestIdentifier(): Promise<string>;
  /** Memory, time and file size of a run before it starts (null ms until measured on this GPU). */
  forecast(settings: TrainingSettings): Promise<Forecast>;
  /** ms per step, from ten steps on this GPU with these settings; remembered for forecasts. Nothing of it is kept otherwise. */
  measure(settings: TrainingSettings, onProgress: OnProgress): Promise<number>;
  /** What this card does, as text for an issue, in about so many ms. No model is needed; the open one's engine is closed for it. */
  bench(budgetMs: number, onProgress: OnProgress): Promise<CardBench>;
  /** `unasked`: nobody pressed anything for it; where another tab has the graphics card it waits in silence. */
  draw(request: DrawRequest, onProgress: OnProgress, unasked?: boolean): Promise<Picture>;
  /** With the id of a stored run it goes on from its last saved step, with the photos it began with. */
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
  /** `numbers`: absent: as the layout's programs write them. */
  adapterFile(
    adapterId: string,
    moment: number | null,
    layout: AdapterLayout,
    numbers?: AdapterNumbers,
  ): Promise<AdapterFile>;
  readAdapter(name: string, file: Blob): Promise<AdapterInfo>;
  /** Keeps these as one adapter, exactly what they add together; its rank is the sum of theirs. */
  mergeAdapters(choices: readonly AdapterChoice[]): Promise<AdapterInfo>;
  /** Trouble 'gone' where it is not here any more. */
  renameAdapter(adapterId: string, name: string): Promise<void>;
  deleteAdapter(adapterId: string): Promise<void>;
  /** held-out.safetensors of a stored run: everything its held-out loss was measured on, for anyone who wants to compute it again. */
  evidence(runId: string): Promise<Uint8Array>;
  /** What this page changed since it heard of revision `known`; what other tabs changed meanwhile comes back. */
  saveProject(change: ProjectChange, known: number): Promise<SavedProject>;
  loadProject(): Promise<StoredProject | null>;
  /** Class pictures that are kept: made ones by all that they depend on, or the user's own. */
  classPictures(set: string): Promise<{ index: number; picture: ClassPicture }[]>;
  keepClassPicture(set: string, index: number, picture: ClassPicture): Promise<void>;
  clearClassPictures(set: string): Promise<void>;
  /** Pictures that are on screen, so that a reload brings them back; those kept before for this place go. */
  keepShown(place: Place, shown: Shown): Promise<void>;
  shown(place: Place): Promise<Shown | null>;
}
