// A training of the toy: settings, photos of a few numbers, a keeper that keeps in memory.
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import { normals } from '../../src/diffusion/random.ts';
import type { LoraWeights } from '../../src/gpu/engine-types.ts';
import { runControls } from '../../src/training/controls.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import type { EncodedPhoto, TrainingSet } from '../../src/training/examples.ts';
import { learningRates } from '../../src/training/learning-rate.ts';
import { PLAIN, type TrainingSettings } from '../../src/training/settings.ts';
import type { Snapshot } from '../../src/training/snapshot.ts';
import type { Training } from '../../src/training/train.ts';
import { type ToyOptions, toyUnet } from './toy-unet.ts';

export const settings: TrainingSettings = {
  ...PLAIN,
  steps: 12,
  batch: 1,
  accumulate: 1,
  learningRate: 0.05,
  schedule: 'constant',
  warmupSteps: 0,
  clip: 1,
  rank: 4,
  alpha: 4,
  seed: 7,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  keptAside: 1,
  heldOutDraws: 32,
  previewEvery: 5,
  previewSampler: 'dpm++2m',
  previewSteps: 2,
  activations: 'f32',
  recompute: 'auto',
  resolution: 16,
  weights: 'f16',
};

export const photo = (name: string, seed: number): EncodedPhoto => ({
  name,
  mean: normals({ seed, purpose: 'noise' }, 16),
  logVariance: new Float32Array(16).fill(-2),
  encoderHiddenStates: Float32Array.of(seed),
});

export const set: TrainingSet = {
  photos: [photo('a', 1), photo('b', 2), photo('c', 3)],
  keptAside: [photo('d', 4)],
  instancePrompt: Float32Array.of(100),
  emptyPrompt: Float32Array.of(101),
  scalingFactor: 0.5,
  schedule: noiseSchedule({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' }),
};

/** Everything train() needs, and what it did: events, saved snapshots, moments, previews. `clock.ms` is its time. */
export function toyRun(change: Partial<TrainingSettings> = {}, options: ToyOptions = {}) {
  const all = { ...settings, ...change };
  const toy = toyUnet(learningRates(all), options);
  const events: TrainEvent[] = [];
  const saved: Snapshot[] = [];
  const moments = new Map<number, LoraWeights>();
  const previews: number[] = [];
  const controls = runControls();
  const clock = { ms: 0 };
  const hooks = { onEvent: (_: TrainEvent) => {}, onSave: async (_: Snapshot) => {} };
  const training: Training = {
    unet: toy.unet,
    set,
    settings: all,
    initialLora: () => new Map([['toy', { down: new Float32Array(10).fill(0.25), up: new Float32Array(10) }]]),
    from: null,
    controls,
    keeper: {
      async save(snapshot) {
        await hooks.onSave(snapshot);
        saved.push(snapshot);
      },
      async moment(step, lora) {
        moments.set(step, lora);
      },
    },
    async preview(step) {
      previews.push(step);
    },
    report(event) {
      events.push(event);
      hooks.onEvent(event);
    },
    now: () => clock.ms,
  };
  const kinds = () =>
    events.filter((e) => e.kind !== 'progress').map((e) => ('step' in e ? `${e.kind} ${e.step}` : e.kind));
  return { toy, training, events, kinds, saved, moments, previews, controls, clock, hooks };
}
