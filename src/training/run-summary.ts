// A run as it stands: what it was given, how far it is, what it measured.
import type { EngineMade, GpuBytes } from '../gpu/engine-types.ts';
import type { TrainingSettings } from './settings.ts';

/** A finished or stopped run; also what `storage` keeps of it. */
export interface RunSummary {
  runId: string;
  modelId: string;
  modelVersion?: string; // of the weights it began with (ModelInfo.version); absent: an earlier version did not write it down
  darkroom?: string; // the version that it began in; absent: before this was kept
  made?: EngineMade; // what it was trained by last, likewise
  adapterId: string;
  identifier: string;
  classNoun: string;
  /** At least one caption that was learned from said the name. Runs from before this was kept do not say. */
  nameTrained?: boolean;
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
