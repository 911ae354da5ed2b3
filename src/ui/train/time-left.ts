// In: milliseconds; out: numbers rounded as a person would say them. messages/train.ts adds the words.
import type { TrainingSettings } from '../../worker/api.ts';
import { passesOf } from '../../worker/client.ts';
import { previewSteps } from './presets.ts';

export type TimeUnit = 's' | 'min' | 'h';
/** 130 min is { value: 2, unit: 'h', rest: 10 }: two hours ten. */
export interface Span {
  value: number;
  unit: TimeUnit;
  rest: number; // minutes past the hours
}

/** Seconds up to 90, in fives from 15 up so that the number does not flicker; then whole minutes; from 100 minutes hours and tens of minutes. */
export function span(ms: number): Span {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 15) return { value: Math.ceil(seconds), unit: 's', rest: 0 };
  if (seconds < 90) return { value: Math.round(seconds / 5) * 5, unit: 's', rest: 0 };
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return { value: minutes, unit: 'min', rest: 0 };
  const tens = Math.round(minutes / 10);
  return { value: Math.floor(tens / 6), unit: 'h', rest: (tens % 6) * 10 };
}

/**
 * A run's time from one measured step. A step is about three forward passes (backward costs two); a preview takes two per drawing step
 * (guidance), a held-out measurement 32 per photo. Encoding and loading are left out: hence "about".
 */
export function runMs(settings: TrainingSettings, photos: number, msPerStep: number): number {
  const stops = previewSteps(settings.steps, settings.previewEvery).length;
  const checked = settings.keptAside > 0 ? settings.keptAside : photos;
  const forwards = stops * (2 * settings.previewSteps + 32 * checked);
  const passesPerStep = 3 * passesOf(settings);
  return msPerStep * (settings.steps + forwards / passesPerStep);
}

/** '0.62', '1.4', '12': three characters say enough about a speed. */
export const seconds = (ms: number): string => {
  const value = ms / 1000;
  return value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : value.toFixed(0);
};
