// What the studio keeps: the stores behind it, as types; this browser's are in studio.worker.ts, the tests' in memory.

import type { OnProgress } from '../progress.ts';
import type { AdapterStore } from '../storage/adapter-store.ts';
import type { ClassStore } from '../storage/class-store.ts';
import type { ModelListing } from '../storage/model-records.ts';
import type { PreviewStore } from '../storage/preview-store.ts';
import type { ProjectStore } from '../storage/project-store.ts';
import type { RunPhotoStore } from '../storage/run-photos.ts';
import type { RunStore } from '../storage/run-store.ts';
import type { ShownStore } from '../storage/shown-store.ts';
import type { StorageReport } from '../storage/space.ts';
import type { TimingStore } from '../storage/timing-store.ts';
import type { OnTransfer } from '../storage/transfer-meter.ts';
import type { ModelFiles } from './model-session.ts';

/** storage/model-library.ts, with checkpoints read by files/checkpoint. */
export interface ModelShelf {
  list(): Promise<ModelListing[]>;
  storage(): Promise<StorageReport>;
  acceptLicence(modelId: string): Promise<void>;
  fetch(signal: AbortSignal, modelId: string, onTransfer: OnTransfer): Promise<void>;
  takeIn(signal: AbortSignal, files: { path: string; file: Blob }[], onTransfer: OnTransfer): Promise<ModelListing>;
  trust(modelId: string): Promise<void>;
  doubt(modelId: string): Promise<void>;
  remove(modelId: string): Promise<void>;
  /** Whether there is somewhere to fetch it from: not so for a checkpoint of the user's. */
  canFetch(modelId: string): boolean;
  open(signal: AbortSignal, modelId: string, onProgress: OnProgress): Promise<ModelFiles>;
}
export interface Kept {
  /** The models as the page at this address has them. */
  models(page: string): ModelShelf;
  runs: RunStore;
  adapters: AdapterStore;
  previews: PreviewStore;
  timings: TimingStore;
  project: ProjectStore;
  runPhotos: RunPhotoStore;
  shown: ShownStore;
  classes: ClassStore;
}
