// The settings of the next run: a preset's, worked out from the number of photos, and what the user changed.
import type { Project, TrainingSettings } from '../../worker/api.ts';

export const presets = ['quick', 'balanced', 'thorough'] as const;
export type Preset = (typeof presets)[number];
type Changes = Partial<TrainingSettings>;

interface Recipe {
  stepsPerPhoto: number;
  least: number;
  most: number;
  interval: number;
  learningRate: number;
  rank: number;
  schedule: TrainingSettings['schedule'];
  warmup: number; // share of all steps
}
const recipes: Record<Preset, Recipe> = {
  quick: {
    stepsPerPhoto: 40,
    least: 200,
    most: 400,
    interval: 100,
    learningRate: 2e-4,
    rank: 4,
    schedule: 'constant',
    warmup: 0,
  },
  balanced: {
    stepsPerPhoto: 100,
    least: 500,
    most: 1200,
    interval: 100,
    learningRate: 1e-4,
    rank: 8,
    schedule: 'constant',
    warmup: 0,
  },
  thorough: {
    stepsPerPhoto: 200,
    least: 1000,
    most: 2400,
    interval: 200,
    learningRate: 1e-4,
    rank: 16,
    schedule: 'cosine',
    warmup: 0.05,
  },
};

export const keptAside = (photos: number): number => (photos >= 25 ? 3 : photos >= 15 ? 2 : photos >= 6 ? 1 : 0);

export function presetSettings(preset: Preset, photos: number): TrainingSettings {
  const { stepsPerPhoto, least, most, interval, learningRate, rank, schedule, warmup } = recipes[preset];
  const wanted = Math.min(most, Math.max(least, stepsPerPhoto * photos));
  const steps = Math.round(wanted / interval) * interval;
  return {
    steps,
    batch: 1,
    accumulate: 1,
    learningRate,
    schedule,
    warmupSteps: Math.round(steps * warmup),
    clip: 1,
    rank,
    alpha: rank,
    seed: 42,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-2,
    keptAside: keptAside(photos),
    previewEvery: interval,
    previewSteps: 20,
    activations: 'f32',
    recompute: 'auto',
  };
}

export class Setup {
  preset = $state<Preset>('balanced');
  changes = $state.raw<Changes>({});
  readonly #photos: () => number;
  readonly defaults: TrainingSettings = $derived.by(() => presetSettings(this.preset, this.#photos()));
  readonly settings: TrainingSettings = $derived({ ...this.defaults, ...this.changes });
  readonly changed = $derived(Object.keys(this.changes).length);

  constructor(photos: () => number) {
    this.#photos = photos;
  }

  restore({ preset, ...changes }: Project['settings']): void {
    this.preset = presets.find((known) => known === preset) ?? 'balanced';
    this.changes = changes;
  }
  /** A value equal to the preset's is no change. */
  set<K extends keyof TrainingSettings>(name: K, value: TrainingSettings[K]): void {
    const { [name]: _, ...others } = this.changes;
    this.changes = value === this.defaults[name] ? others : { ...others, [name]: value };
  }
  reset(name?: keyof TrainingSettings): void {
    if (!name) this.changes = {};
    else this.changes = Object.fromEntries(Object.entries(this.changes).filter(([key]) => key !== name));
  }
}
