// What a run tells while it goes on.
import type { Picture } from '../diffusion/picture.ts';
import type { GpuBytes } from '../gpu/engine-types.ts';
import type { MadeOtherwise } from '../gpu/made.ts';
import type { Progress } from '../progress.ts';

export type TrainEvent =
  | { kind: 'progress'; progress: Progress }
  | { kind: 'planned'; gpuBytes: GpuBytes; flopsPerStep: number; dispatchesPerStep: number; adapterBytes: number }
  | { kind: 'own-photos'; photos: number } // it goes on with those it began with: the page's are others by now
  | { kind: 'older-save'; step: number; damagedStep: number } // the newest save was damaged: it goes on from the one before
  | { kind: 'not-bitwise'; changed: MadeOtherwise[] } // than in the earlier visit: it goes on, but its adapter may be another in the last bits
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
  | { kind: 'slowed'; step: number; times: number } // so many times as slow as it should be; 1: as quick as that again
  | { kind: 'stood-still'; ms: number } // the computer slept or the browser froze the tab, for so long
  | { kind: 'device-lost'; step: number }
  | { kind: 'held-back'; step: number } // the browser gives no graphics for a while: asked for again until it does
  | { kind: 'no-answer'; step: number }; // the worker hung and was ended: a new one goes on from this step
