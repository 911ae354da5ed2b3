// The advanced settings as a table: group, kind, limits. Labels and effects are in messages/train.ts, defaults in presets.ts.
import type { TrainingSettings } from '../../worker/api.ts';
import { MOST_CLIP_SKIP, optimizers, samplers, schedules, targets } from '../../worker/client.ts';
import { type NumberRefusal, numberText, readNumber, withinLimits } from '../read-number.ts';

export type KnobKey = keyof TrainingSettings;
export type KnobGroup = 'length' | 'rate' | 'adapter' | 'class' | 'optimizer' | 'loss' | 'photos' | 'previews';
export type Knob =
  | { key: KnobKey; group: KnobGroup; kind: 'number'; min: number; max: number; whole: boolean; first: boolean }
  | { key: KnobKey; group: KnobGroup; kind: 'text'; longest: number; first: boolean }
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
  whole('epochs', 'length', 0, 10_000),
  whole('batch', 'length', 1, 16, true),
  whole('accumulate', 'length', 1, 64, true),
  whole('seed', 'length', 0, 2 ** 32 - 1),
  real('learningRate', 'rate', 1e-7, 1e-1, true),
  choice('schedule', 'rate', schedules, true),
  whole('warmupSteps', 'rate', 0, 20_000),
  whole('cycles', 'rate', 1, 100),
  real('power', 'rate', 0.01, 10),
  real('clip', 'rate', 1e-6, 1000),
  whole('rank', 'adapter', 1, 128, true),
  real('alpha', 'adapter', 0.01, 256, true),
  choice('targets', 'adapter', targets),
  whole('classPictures', 'class', 0, 1000),
  { key: 'classPrompt', group: 'class', kind: 'text', longest: 300, first: false },
  real('priorWeight', 'class', 0, 10),
  choice('optimizer', 'optimizer', optimizers),
  real('beta1', 'optimizer', 0, 0.9999),
  real('beta2', 'optimizer', 0, 0.99999),
  real('weightDecay', 'optimizer', 0, 1),
  real('epsilon', 'optimizer', 1e-12, 1e-2),
  real('minSnrGamma', 'loss', 0, 100),
  real('noiseOffset', 'loss', 0, 0.99),
  whole('keptAside', 'photos', 0, 10, true),
  whole('heldOutDraws', 'photos', 1, 1000),
  whole('crops', 'photos', 0, 64),
  choice('mirror', 'photos', ['off', 'on']),
  whole('clipSkip', 'photos', 1, MOST_CLIP_SKIP),
  real('captionDropout', 'photos', 0, 0.99),
  whole('tagOrders', 'photos', 0, 64),
  whole('keptTags', 'photos', 0, 50),
  whole('previewEvery', 'previews', 0, 20_000, true),
  choice('previewSampler', 'previews', samplers),
  whole('previewSteps', 'previews', 1, 100),
  choice('resolution', 'previews', sizes, true),
  choice('weights', 'previews', ['f16', 'int8'], true),
  choice('activations', 'previews', ['f32', 'f16']),
  choice('recompute', 'previews', ['auto', 'on', 'off']),
];
export const knobGroups: readonly KnobGroup[] = [
  'length',
  'rate',
  'adapter',
  'class',
  'optimizer',
  'loss',
  'photos',
  'previews',
];

export const knobText = (value: number | string): string => (typeof value === 'number' ? numberText(value) : value);

/** Why a text or a pasted value is not a knob's: no such choice, or what readNumber says. */
export type KnobRefusal =
  | NumberRefusal
  | { kind: 'no-choice'; options: readonly (string | number)[] }
  | { kind: 'no-text'; longest: number };
export type KnobRead = { value: number | string } | { refusal: KnobRefusal };

/** What a field's text, or a value of pasted JSON, means for this knob. */
export function readKnob(knob: Knob, given: unknown): KnobRead {
  if (knob.kind === 'choice') {
    const text = typeof given === 'string' ? given.trim() : String(given);
    const value = knob.options.find((option) => String(option) === text);
    return value === undefined ? { refusal: { kind: 'no-choice', options: knob.options } } : { value };
  }
  if (knob.kind === 'text') {
    const { longest } = knob;
    const fits = typeof given === 'string' && given.length <= longest;
    return fits ? { value: given.trim() } : { refusal: { kind: 'no-text', longest } };
  }
  if (typeof given === 'number') return withinLimits(given, knob);
  return typeof given === 'string' ? readNumber(given, knob) : { refusal: { kind: 'no-number' } };
}

/** Settings with one of them changed; the table guarantees the value's kind. */
export const withKnob = (settings: TrainingSettings, key: KnobKey, value: number | string): TrainingSettings => ({
  ...settings,
  [key]: value,
});

/** As it is copied: every setting by its own name. */
export const settingsJson = (settings: TrainingSettings): string => JSON.stringify(settings, null, 2);

export type Pasted =
  | { settings: TrainingSettings; ignored: string[] }
  | { bad: 'JSON' }
  | { bad: Knob; given: unknown; refusal: KnobRefusal };

/**
 * Reads pasted JSON over `base` by the fields of `knobs`. Numbers may be strings, as people write
 * them. Unknown names are ignored and named; a value that cannot be used refuses the whole.
 */
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
    const read = readKnob(knob, value);
    if ('refusal' in read) return { bad: knob, given: value, refusal: read.refusal };
    settings = withKnob(settings, knob.key, read.value);
  }
  return { settings, ignored };
}
