// Every setting of a run in English: its name, unit and effect; the names of what can be chosen.
import type { TrainingSettings } from '../../worker/api.ts';
import { samplerNames } from './samplers.ts';

interface KnobWords {
  name: string;
  unit: string;
  effect: string;
}
export const choices: Record<string, string> = {
  f32: '32-bit',
  f16: '16-bit',
  int8: '8-bit',
  on: 'on',
  off: 'off',
  auto: 'when needed',
  constant: 'constant',
  constant_with_warmup: 'constant, with warm-up',
  linear: 'linear',
  cosine: 'cosine',
  cosine_with_restarts: 'cosine, with restarts',
  polynomial: 'polynomial',
  ...samplerNames,
  adamw: 'AdamW',
  adamw8bit: '8-bit AdamW',
  attention: 'attention',
  linears: 'all linear layers',
  locon: 'convolutions too (LoCon)',
};
export const knobs: Record<keyof TrainingSettings, KnobWords> = {
  steps: { name: 'Steps', unit: '', effect: 'More steps: closer, until it memorises.' },
  epochs: {
    name: 'Epochs',
    unit: 'rounds',
    effect: 'Every photo once a round; says how many steps, unless they are set. 0: count in steps.',
  },
  batch: { name: 'Batch', unit: 'photos', effect: 'Photos per step. More: calmer, slower, more memory.' },
  accumulate: {
    name: 'Accumulate',
    unit: 'passes',
    effect: 'Passes per step. Like a bigger batch without the memory.',
  },
  seed: { name: 'Seed', unit: '', effect: 'Same seed, same machine: the same adapter.' },
  learningRate: {
    name: 'Learning rate',
    unit: '',
    effect: 'How far one step goes. Too high and the numbers run away.',
  },
  schedule: { name: 'Schedule', unit: '', effect: 'How the rate changes towards the end.' },
  warmupSteps: {
    name: 'Warm-up',
    unit: 'steps',
    effect: 'The rate rises from zero over these steps. Constant has none.',
  },
  cycles: { name: 'Restarts', unit: 'cycles', effect: 'Of cosine with restarts: how often it falls to zero.' },
  power: { name: 'Power', unit: '', effect: 'Of polynomial: 1 is a straight line to 1e-7.' },
  clip: { name: 'Gradient clipping', unit: '', effect: 'A larger gradient is shortened to this norm.' },
  rank: { name: 'Rank', unit: '', effect: 'Room for detail. Doubling it doubles the file.' },
  alpha: { name: 'Alpha', unit: '', effect: 'Scales the adapter by alpha / rank.' },
  targets: {
    name: 'What learns',
    unit: '',
    effect: 'More layers: closer in texture and shape, a larger file, slower steps.',
  },
  optimizer: { name: 'Optimizer', unit: '', effect: '8-bit, as bitsandbytes has it: there to equal the guide.' },
  beta1: { name: 'Beta 1', unit: '', effect: 'Memory of the direction (AdamW).' },
  beta2: { name: 'Beta 2', unit: '', effect: 'Memory of the size of steps (AdamW).' },
  weightDecay: { name: 'Weight decay', unit: '', effect: 'Pulls the adapter towards zero.' },
  epsilon: { name: 'Epsilon', unit: '', effect: 'Keeps AdamW from dividing by zero.' },
  classPictures: {
    name: 'Class pictures',
    unit: 'pictures',
    effect: 'Of the same kind of thing, so that the model does not forget it. 0: none. Doubles a step.',
  },
  classPrompt: {
    name: 'Their sentence',
    unit: '',
    effect: 'Without the name. Empty: a photo of what kind of thing it is.',
  },
  priorWeight: { name: 'Their weight', unit: '', effect: 'How much they count beside your photos.' },
  minSnrGamma: {
    name: 'Min-SNR γ',
    unit: '',
    effect: 'Noise levels that are too easy count less. 5 is usual; 0: off.',
  },
  noiseOffset: {
    name: 'Noise offset',
    unit: '',
    effect: 'Learns darker and brighter pictures. 0.05 is usual; 0: off.',
  },
  crops: {
    name: 'Random crops',
    unit: 'a photo',
    effect: 'Looked at once, drawn from at each step. 0: your own crop.',
  },
  mirror: { name: 'Mirror', unit: '', effect: 'Half the time left and right change sides. Not for writing or faces.' },
  clipSkip: {
    name: 'CLIP skip',
    unit: '',
    effect: 'Words are read one layer less with 2, as drawn models like it. 1: as Stable Diffusion itself.',
  },
  captionDropout: {
    name: 'Caption dropout',
    unit: '',
    effect: 'Share of the time that a photo goes without its words.',
  },
  tagOrders: {
    name: 'Shuffled tags',
    unit: 'orders',
    effect: 'Captions of tags between commas, in other orders. 0: as they are.',
  },
  keptTags: { name: 'Tags kept first', unit: 'tags', effect: 'They stay in front when the rest is shuffled.' },
  keptAside: { name: 'Kept aside', unit: 'photos', effect: 'Not learned from: they measure how close it is.' },
  heldOutDraws: {
    name: 'Measured at',
    unit: 'noise levels',
    effect: 'Of each photo that measures. Fewer: sooner done, less sure.',
  },
  previewEvery: {
    name: 'Preview every',
    unit: 'steps',
    effect: 'Draws, measures and saves a moment. 0: only at the end.',
  },
  previewSteps: { name: 'Preview quality', unit: 'steps', effect: 'Drawing steps of a preview.' },
  previewSampler: { name: 'Preview sampler', unit: '', effect: 'How a preview is drawn. DPM++ 2M needs few steps.' },
  activations: { name: 'Precision', unit: '', effect: 'f16 needs less memory; f32 is exact.' },
  resolution: {
    name: 'Resolution',
    unit: 'px',
    effect: 'Side of what is learned and drawn. Smaller: less memory, faster.',
  },
  weights: { name: 'Model weights', unit: '', effect: '8-bit (int8) halves the memory of the model itself.' },
  recompute: { name: 'Low-memory mode', unit: '', effect: 'Computes twice to hold less. A fifth slower.' },
};
