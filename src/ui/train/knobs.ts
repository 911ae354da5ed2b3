// The advanced settings as a table: group, kind, limits. Labels and effects are in messages/train.ts, defaults in presets.ts.
import type { TrainingSettings } from '../../worker/api.ts';

export type KnobKey = keyof TrainingSettings;
export type KnobGroup = 'length' | 'rate' | 'adapter' | 'optimizer' | 'photos' | 'previews';
export type Knob =
  | { key: KnobKey; group: KnobGroup; kind: 'number'; min: number; max: number; whole: boolean; first: boolean }
  | { key: KnobKey; group: KnobGroup; kind: 'choice'; options: readonly (string | number)[]; first: boolean };

const whole = (key: KnobKey, group: KnobGroup, min: number, max: number, first = false): Knob => ({
  key,
  group,
  kind: 'number',
  min,
  max,
  whole: true,
  first,
});
const real = (key: KnobKey, group: KnobGroup, min: number, max: number, first = false): Knob => ({
  key,
  group,
  kind: 'number',
  min,
  max,
  whole: false,
  first,
});
const choice = (key: KnobKey, group: KnobGroup, options: readonly (string | number)[], first = false): Knob => ({
  key,
  group,
  kind: 'choice',
  options,
  first,
});

/**
 * In the order they are shown; `first` are those that are visible without "Show all". `sizes`: what the model can be trained at, px.
 */
export const knobsFor = (sizes: readonly number[]): readonly Knob[] => [
  whole('steps', 'length', 1, 20_000, true),
  whole('batch', 'length', 1, 16, true),
  whole('accumulate', 'length', 1, 64, true),
  whole('seed', 'length', 0, 2 ** 32 - 1),
  real('learningRate', 'rate', 1e-7, 1e-1, true),
  choice('schedule', 'rate', ['constant', 'linear', 'cosine'], true),
  whole('warmupSteps', 'rate', 0, 20_000),
  real('clip', 'rate', 1e-6, 1000),
  whole('rank', 'adapter', 1, 128, true),
  real('alpha', 'adapter', 0.01, 256, true),
  real('beta1', 'optimizer', 0, 0.9999),
  real('beta2', 'optimizer', 0, 0.99999),
  real('weightDecay', 'optimizer', 0, 1),
  real('epsilon', 'optimizer', 1e-12, 1e-2),
  whole('keptAside', 'photos', 0, 10, true),
  whole('heldOutDraws', 'photos', 1, 1000),
  whole('previewEvery', 'previews', 0, 20_000, true),
  whole('previewSteps', 'previews', 1, 100),
  choice('resolution', 'previews', sizes, true),
  choice('weights', 'previews', ['f16', 'int8'], true),
  choice('activations', 'previews', ['f32', 'f16']),
  choice('recompute', 'previews', ['auto', 'on', 'off']),
];
export const knobGroups: readonly KnobGroup[] = ['length', 'rate', 'adapter', 'optimizer', 'photos', 'previews'];

/** '1e-4', '0.9', '700': small numbers as people write them in recipes. */
export const knobText = (value: number | string): string =>
  typeof value === 'number' && value !== 0 && Math.abs(value) < 0.01
    ? value.toExponential().replace('e-0', 'e-')
    : String(value);

/** The value a field's text means, or null when it is not one. */
export function knobValue(knob: Knob, text: string): number | string | null {
  const trimmed = text.trim();
  if (knob.kind === 'choice') return knob.options.find((option) => String(option) === trimmed) ?? null;
  const value = trimmed === '' ? Number.NaN : Number(trimmed.replaceAll(',', ''));
  if (!Number.isFinite(value) || value < knob.min || value > knob.max || (knob.whole && !Number.isInteger(value)))
    return null;
  return value;
}

/** Settings with one of them changed; the table guarantees the value's kind. */
export const withKnob = (settings: TrainingSettings, key: KnobKey, value: number | string): TrainingSettings => ({
  ...settings,
  [key]: value,
});

/** As it is copied: every setting by its own name. */
export const settingsJson = (settings: TrainingSettings): string => JSON.stringify(settings, null, 2);

export type Pasted = { settings: TrainingSettings; ignored: string[] } | { bad: string };

/** Reads pasted JSON over `base` by the fields of `knobs`. Unknown names are ignored and named; a value outside its limits refuses the whole. */
export function pasteSettings(text: string, base: TrainingSettings, knobs: readonly Knob[]): Pasted {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { bad: 'JSON' };
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return { bad: 'JSON' };
  let settings = base;
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const knob = knobs.find((known) => known.key === name);
    if (!knob) {
      ignored.push(name);
      continue;
    }
    const kept = typeof value === 'number' || typeof value === 'string' ? knobValue(knob, String(value)) : null;
    if (kept === null) return { bad: name };
    settings = withKnob(settings, knob.key, kept);
  }
  return { settings, ignored };
}
