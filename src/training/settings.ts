// How a run trains: everything that its numbers depend on, and nothing else.
import type { Sampler } from '../diffusion/samplers.ts';
import type { WeightStorage } from '../gpu/engine-types.ts';

/** By the names that diffusers' `--lr_scheduler` has for them; `constant` knows no warm-up. */
export const schedules = [
  'constant',
  'constant_with_warmup',
  'linear',
  'cosine',
  'cosine_with_restarts',
  'polynomial',
] as const;
export type Schedule = (typeof schedules)[number];
export const optimizers = ['adamw', 'adamw8bit'] as const;
/** What learns: the attention's projections, as diffusers' script has it; every linear layer and 1×1 convolution of the transformer blocks, as kohya's; with LoCon the other blocks' convolutions too, as its conv_dim. */
export const targets = ['attention', 'linears', 'locon'] as const;
export type Targets = (typeof targets)[number];
export interface TrainingSettings {
  steps: number;
  epochs: number; // photos come by epochs, each ending in what is left over; 0 = round after round. The length is `steps` either way
  batch: number;
  accumulate: number;
  learningRate: number;
  schedule: Schedule;
  warmupSteps: number;
  cycles: number; // of cosine_with_restarts
  power: number; // of polynomial
  clip: number; // gradient norm
  rank: number;
  alpha: number;
  targets: Targets;
  seed: number;
  optimizer: (typeof optimizers)[number];
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  minSnrGamma: number; // 0 = every noise level counts the same
  noiseOffset: number; // share of one number a channel that is added to the noise; 0 = none
  classPictures: number; // pictures of the class noun beside the photos (prior preservation); 0 = none
  classPrompt: string; // their sentence; '' = a photo of the class noun
  priorWeight: number; // of their loss
  keptAside: number; // photos held out
  crops: number; // random ones a photo, in place of its own; 0 = its own
  mirror: 'on' | 'off'; // seen the other way round as often
  clipSkip: number; // layers of the text encoder that are not run, and one: 1 = it is whole, as A1111 and kohya count
  captionDropout: number; // share of the time that a photo is shown without its caption
  tagOrders: number; // in which a caption's tags are said; 0 = as they are
  keptTags: number; // of the first ones, which are not shuffled
  heldOutDraws: number; // noise levels that each measured photo is measured at
  previewEvery: number; // steps; also the interval of held-out loss and saved moments; 0 = only at the end
  previewSampler: Sampler;
  previewSteps: number; // drawing steps of a preview picture
  activations: 'f32' | 'f16';
  recompute: 'on' | 'off' | 'auto';
  resolution: number; // px, square; one of ModelInfo.sizes
  weights: WeightStorage;
}

/** What a run can do without, left out: a run from before these settings existed is one with these. */
export const PLAIN = {
  ...{ epochs: 0, cycles: 1, power: 1, optimizer: 'adamw', targets: 'attention' },
  ...{ minSnrGamma: 0, noiseOffset: 0 },
  ...{
    classPictures: 0,
    classPrompt: '',
    priorWeight: 1,
    crops: 0,
    mirror: 'off',
    clipSkip: 1,
    captionDropout: 0,
    tagOrders: 0,
    keptTags: 1,
  },
} as const satisfies Partial<TrainingSettings>;

/** Forward and backward passes of a whole step: a class picture beside each photo doubles them. */
export const passesOf = ({ batch, accumulate, classPictures }: Passes): number =>
  batch * accumulate * (classPictures > 0 ? 2 : 1);
export type Passes = Pick<TrainingSettings, 'batch' | 'accumulate' | 'classPictures'>;
