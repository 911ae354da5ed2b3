// In: how many photos are in use and which model; out: complete training settings. The numbers of UX §4, nowhere else.
import type { TrainingSettings } from '../../worker/api.ts';
import { learnedFrom, PLAIN, stepsPerEpoch } from '../../worker/client.ts';

export type PresetId = 'quick' | 'balanced' | 'thorough';
export type RecipeId = PresetId | 'guide' | 'diffusers' | 'kohya-like';
export const presetIds: readonly PresetId[] = ['quick', 'balanced', 'thorough'];
export const recipeIds: readonly RecipeId[] = [...presetIds, 'guide', 'diffusers', 'kohya-like'];
export const defaultPreset: PresetId = 'balanced';

/** What a preset says about one family of models; everything else is common to all. */
interface PresetRow {
  stepsPerPhoto: number;
  fewest: number;
  most: number;
  learningRate: number;
  schedule: TrainingSettings['schedule'];
  warmup: number; // share of the steps
  rank: number;
  interval: number; // steps between previews
}

const forStableDiffusion: Record<PresetId, PresetRow> = {
  quick: {
    stepsPerPhoto: 40,
    fewest: 200,
    most: 400,
    learningRate: 2e-4,
    schedule: 'constant',
    warmup: 0,
    rank: 4,
    interval: 100,
  },
  balanced: {
    stepsPerPhoto: 100,
    fewest: 500,
    most: 1200,
    learningRate: 1e-4,
    schedule: 'constant',
    warmup: 0,
    rank: 8,
    interval: 100,
  },
  thorough: {
    stepsPerPhoto: 200,
    fewest: 1000,
    most: 2400,
    learningRate: 1e-4,
    schedule: 'cosine',
    warmup: 0.05,
    rank: 16,
    interval: 200,
  },
};

// The demo model is a thousandth of the size: it needs a ten times higher rate, whatever the number of photos. What each recipe reaches with it stands in
// tools/demo-model/README.md: at 2e-3 and rank 8 the previews turn into the subject halfway, and twice the steps bring no more.
const forDemoModel: Record<PresetId, PresetRow> = {
  quick: {
    stepsPerPhoto: 0,
    fewest: 150,
    most: 150,
    learningRate: 2e-3,
    schedule: 'constant',
    warmup: 0,
    rank: 8,
    interval: 50,
  },
  balanced: {
    stepsPerPhoto: 0,
    fewest: 300,
    most: 300,
    learningRate: 2e-3,
    schedule: 'constant',
    warmup: 0,
    rank: 8,
    interval: 50,
  },
  thorough: {
    stepsPerPhoto: 0,
    fewest: 600,
    most: 600,
    learningRate: 1e-3,
    schedule: 'cosine',
    warmup: 0.05,
    rank: 8,
    interval: 100,
  },
};

export const isDemoModel = (modelId: string | null): boolean => modelId === 'demo';

/** One photo to check with from 6, two from 15, three from 25; below 6 every photo is needed for learning. */
export const keptAsideFor = (photos: number): number => (photos >= 25 ? 3 : photos >= 15 ? 2 : photos >= 6 ? 1 : 0);

/** Nearest multiple of the preview interval, so that the last preview is the end; at least one interval. */
export const roundToInterval = (steps: number, interval: number): number =>
  interval > 0 ? Math.max(interval, Math.round(steps / interval) * interval) : Math.max(1, Math.round(steps));

const common = (
  photos: number,
  modelId: string | null,
  resolution: number,
): Omit<
  TrainingSettings,
  'steps' | 'learningRate' | 'schedule' | 'warmupSteps' | 'rank' | 'alpha' | 'previewEvery'
> => ({
  ...PLAIN,
  batch: 1,
  accumulate: 1,
  clip: 1,
  seed: 42,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-2,
  keptAside: keptAsideFor(photos),
  heldOutDraws: 32,
  previewSampler: 'dpm++2m',
  previewSteps: 12,
  activations: isDemoModel(modelId) ? 'f32' : 'f16', // f16 halves what a large model holds; the demo model is too small to need it
  recompute: 'auto',
  resolution,
  weights: 'f16',
});

/** The guide's command line: prior preservation with 100 class pictures, 8-bit Adam, 50 epochs, gradient checkpointing, f16. */
function guide(shared: ReturnType<typeof common>, photos: number, demo: boolean): TrainingSettings {
  const settings: TrainingSettings = {
    ...shared,
    ...{ steps: 0, epochs: 50, learningRate: demo ? 1e-3 : 1e-4, schedule: 'constant', warmupSteps: 0 },
    ...{ rank: 4, alpha: 4, optimizer: 'adamw8bit', classPictures: demo ? 10 : 100, keptAside: 0 },
    ...{ recompute: 'on', previewEvery: demo ? 50 : 500 },
  };
  return { ...settings, steps: stepsOf(settings, Math.max(1, photos)) };
}

/** Complete settings of a preset or a reference recipe. `resolution`: the model's own, px. */
export function presetSettings(
  id: RecipeId,
  photos: number,
  modelId: string | null,
  resolution: number,
): TrainingSettings {
  const shared = common(photos, modelId, resolution);
  if (id === 'diffusers')
    // train_dreambooth_lora.py's own defaults: nothing kept aside.
    return {
      ...shared,
      steps: 500,
      learningRate: 1e-4,
      schedule: 'constant',
      warmupSteps: 0,
      rank: 4,
      alpha: 4,
      previewEvery: 100,
      keptAside: 0,
    };
  if (id === 'guide') return guide(shared, photos, isDemoModel(modelId));
  const row = (isDemoModel(modelId) ? forDemoModel : forStableDiffusion)[id === 'kohya-like' ? 'balanced' : id];
  const wanted = Math.min(row.most, Math.max(row.fewest, row.stepsPerPhoto * photos));
  const steps = roundToInterval(wanted, row.interval);
  const preset: TrainingSettings = {
    ...shared,
    steps,
    learningRate: row.learningRate,
    schedule: row.schedule,
    warmupSteps: Math.round(row.warmup * steps),
    rank: row.rank,
    alpha: row.rank,
    previewEvery: row.interval,
  };
  return id === 'kohya-like' ? { ...preset, learningRate: 2e-4, schedule: 'cosine', rank: 16, alpha: 8 } : preset;
}

/** The steps that `epochs` come to for so many photos in use; what was said in steps stays. */
export const stepsOf = (settings: TrainingSettings, photos: number): number =>
  settings.epochs > 0 && photos > 0
    ? settings.epochs *
      stepsPerEpoch(Math.max(learnedFrom(photos, settings.keptAside), settings.classPictures), settings)
    : settings.steps;

/** The settings that differ from `base`, in `base`'s order. */
export const changedSettings = (settings: TrainingSettings, base: TrainingSettings): (keyof TrainingSettings)[] =>
  (Object.keys(base) as (keyof TrainingSettings)[]).filter((key) => settings[key] !== base[key]);

/** Steps that get a preview, a held-out measurement and a saved moment: 0, every interval, and the end. */
export function previewSteps(steps: number, every: number): number[] {
  const cells = [0];
  if (every > 0) for (let step = every; step < steps; step += every) cells.push(step);
  if (steps > 0) cells.push(steps);
  return cells;
}
