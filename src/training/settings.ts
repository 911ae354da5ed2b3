// How a run trains: everything that its numbers depend on, and nothing else.
import type { Sampler } from '../diffusion/samplers.ts';
import type { WeightStorage } from '../gpu/engine-types.ts';

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
  previewSampler: Sampler;
  previewSteps: number; // drawing steps of a preview picture
  activations: 'f32' | 'f16';
  recompute: 'on' | 'off' | 'auto';
  resolution: number; // px, square; one of ModelInfo.sizes
  weights: WeightStorage;
}
