// What the studio asks of the models that are kept in this browser: types only.
import type { OnProgress } from '../progress.ts';
import type { ModelListing } from '../storage/model-records.ts';
import type { StorageReport } from '../storage/space.ts';
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
