// What runs and adapters need kept, as the sessions ask for it: types only. storage/ keeps it in IndexedDB, tests in a Map.
import type { LoraWeights } from '../gpu/engine-types.ts';
import type { Snapshot } from '../training/snapshot.ts';
import type { AdapterInfo, Picture, RunSummary } from './api.ts';

/** A run at its last save: what the page shows, and what training goes on from. */
export interface StoredRun {
  summary: RunSummary;
  snapshot: Snapshot;
  photos: number; // how many it learns from: a resume with others would not be the same run
}
export interface RunStore {
  save(run: StoredRun): Promise<void>;
  load(runId: string): Promise<StoredRun | null>;
  list(): Promise<RunSummary[]>;
  forget(runId: string): Promise<void>;
}

/** An adapter without its weights. */
export interface StoredAdapter extends AdapterInfo {
  alpha: number;
  run: RunSummary | null; // null = read from a file
  photos: number;
}
export interface AdapterStore {
  save(adapter: StoredAdapter): Promise<void>;
  saveMoment(adapterId: string, step: number, weights: LoraWeights): Promise<void>;
  load(adapterId: string): Promise<StoredAdapter | null>;
  moment(adapterId: string, step: number): Promise<LoraWeights | null>;
  list(): Promise<StoredAdapter[]>;
  forget(adapterId: string): Promise<void>;
}
export interface PreviewStore {
  /** `latents` (4, h, w), scaled: kept with a sketch, so that it can be developed. A picture saved again takes the old one's place. */
  save(runId: string, step: number, picture: Picture, latents?: Float32Array): Promise<void>;
  latents(runId: string, step: number): Promise<Float32Array | null>;
  list(runId: string): Promise<{ step: number; picture: Picture }[]>;
  forget(runId: string): Promise<void>;
}

/** Milliseconds by what took them. */
export interface TimingStore {
  save(key: string, ms: number): Promise<void>;
  load(key: string): Promise<number | null>;
}
