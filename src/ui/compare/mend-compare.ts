// In: a trouble on the Compare screen; out: what its one button does.
import { takeCheckpoint } from '../model/take-checkpoint.ts';
import type { Darkroom } from '../state/darkroom.svelte.ts';
import { mend } from '../state/mend.ts';
import type { Mishap } from '../state/studio.ts';

export function mendCompare(app: Darkroom, trouble: Mishap): void {
  const { compare, route } = app;
  const { offered } = compare;
  switch (trouble.code) {
    case 'not-an-adapter':
      if (trouble.facts.kind === 'checkpoint' && offered) {
        compare.offered = compare.trouble = null;
        route.go('model');
        void takeCheckpoint(app, [{ path: offered.name, file: offered }]);
      } else chooseFile();
      return;
    case 'file-damaged':
    case 'file-unreadable':
      if (!offered) break; // the model's, while it drew
      chooseFile();
      return;
    case 'adapter-mismatch':
      route.go('model');
      return;
    case 'gone':
      void compare.lookAgain();
      return;
    case 'disk-full':
    case 'bug':
      if (!offered) break;
      void compare.read(offered);
      return;
  }
  mend(app, trouble, () => void compare.draw());
}

/** The screen's own picker. */
const chooseFile = (): void => document.querySelector<HTMLInputElement>('[data-adapter-file]')?.click();
