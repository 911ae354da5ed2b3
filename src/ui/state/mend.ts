// In: a trouble of something that was drawn, measured or trained; out: what its one button does, wherever it is shown.
import { mendModel } from '../model/mend-model.ts';
import type { Darkroom } from './darkroom.svelte.ts';
import type { Screen } from './route.svelte.ts';
import { applyFit } from './start-run.ts';
import type { Mishap } from './studio.ts';

/** Troubles whose way out is on another screen. */
const screens: Partial<Record<Mishap['code'], Screen>> = {
  'no-webgpu': 'model',
  'not-secure': 'model',
  'no-adapter': 'model',
  'no-model': 'model',
  'no-photos': 'photos',
  'photo-unreadable': 'photos',
  'photo-too-small': 'photos',
  'no-identifier': 'name',
  'no-class-noun': 'name',
  'busy-training': 'train',
};

/** Troubles of a model's files. */
export const ofModel = (code: Mishap['code']): boolean => modelTroubles.has(code);
const modelTroubles: ReadonlySet<Mishap['code']> = new Set([
  ...(['file-damaged', 'file-unreadable', 'file-missing', 'download-cut', 'hash-differs'] as const),
  ...(['model-incomplete', 'model-busy', 'not-a-checkpoint', 'not-this-family'] as const),
]);

/** Troubles of the settings: what is mended before another run begins. */
export const ofSettings = (code: Mishap['code']): boolean =>
  code === 'bad-setting' || code === 'class-prompt' || code === 'few-class-pictures';

/** `again`: tries once more what failed. */
export function mend(app: Darkroom, trouble: Mishap, again: () => void): void {
  const screen = screens[trouble.code];
  if (screen) app.route.go(screen);
  else if (ofModel(trouble.code)) mendModel(app, trouble, app.model.chosen);
  else if (trouble.code === 'bad-setting' && trouble.facts.setting === 'photos') app.route.go('photos');
  else {
    if (trouble.code === 'out-of-memory') applyFit(app, trouble.facts);
    if (trouble.code === 'bad-setting') app.setup.reset(trouble.facts.setting as never); // named as in TrainingSettings
    again();
  }
}
