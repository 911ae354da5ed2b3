// What was stored and has other bytes by now, in words, in English.
import type { TroubleFacts } from '../../trouble.ts';
import { count } from '../amounts.ts';
import type { TroubleWords } from './trouble.ts';

export const runDamaged = ({ step }: TroubleFacts['run-damaged']): TroubleWords => ({
  title: `What was saved of this run at step ${count(step)} is damaged, and so is the save before it.`,
  text: 'It cannot go on. The adapters of its earlier steps are kept; a new run begins from the start.',
  button: 'New run',
});

export const momentDamaged = (name: string): TroubleWords => ({
  title: `“${name}” is damaged: its bytes are not those that were written.`,
  text: 'Its other steps and everything else are kept. Choose another step.',
  button: 'Look again',
});
