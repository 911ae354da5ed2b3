// Memory in words, in English: what was refused, or granted and is not there; which settings take less, and how much that is.
import type { TroubleFacts } from '../../trouble.ts';
import { bytes, count } from '../amounts.ts';
import { type Device, device } from '../device.ts';
import type { LessMemory } from '../train/lighter.ts';
import type { TroubleWords } from './trouble.ts';

/** No graphics card of a computer has less: whoever gives no more than that is the browser. */
const LEAST_CARD_BYTES = 256e6;

/** 'int8 weights at 384 px': settings that were changed so that a run fits, by their names in TrainingSettings. */
export function settingsWords(settings: Readonly<Record<string, string | number>>): string {
  const { weights, activations, recompute, resolution, ...others } = settings;
  const kinds = [
    weights && `${weights} weights`,
    activations && `${activations} activations`,
    recompute === 'on' && 'low-memory mode',
    ...Object.entries(others).map(([name, value]) => `${name} ${value}`),
  ].filter(Boolean);
  return [kinds.join(', '), resolution && `${kinds.length > 0 ? 'at ' : ''}${resolution} px`].filter(Boolean).join(' ');
}

export function outOfMemory(
  { neededBytes, gotBytes, fits }: TroubleFacts['out-of-memory'],
  { kind, browser }: Device = device,
): TroubleWords {
  const button = fits ? `Use ${settingsWords(fits.settings)}: needs ${bytes(fits.neededBytes)}` : 'Try again';
  if (gotBytes < LEAST_CARD_BYTES && kind === 'computer')
    return {
      title: `${browser || 'The browser'} refused memory on the graphics card.`,
      text: `It gave ${bytes(gotBytes)} of ${bytes(neededBytes)}, less than any card has. Close other tabs and start it again, or try another browser.`,
      button,
    };
  const text = `It needs ${bytes(neededBytes)} and the card gave ${bytes(gotBytes)}.`;
  const close = fits ? '' : ' Close other tabs and programs that use the card.';
  return { title: 'This does not fit in GPU memory.', text: text + close, button };
}

/** Held-out draws, first steps or later ones that take too long: the card was granted more than it has. */
export const slowed = {
  title: (times: number) => `Training is ${count(times)} times slower than it should be.`,
  why: 'The card is probably out of memory and borrowing the computer’s.',
  /** What fits, with its bytes. `step`: from where it goes on. */
  text({ now, here, anew }: LessMemory, step: number): string {
    const than = now === null ? '' : ` instead of ${bytes(now)}`;
    const from = step > 0 ? `it goes on from step ${count(step)}` : 'it begins anew';
    return [
      slowed.why,
      here &&
        here.bytes !== null &&
        `With ${settingsWords(here.changes)} it needs ${bytes(here.bytes)}${than}; ${from}.`,
      anew && `At ${anew.resolution} px it needs ${bytes(anew.bytes)}, but that is a new run.`,
      !here && 'Close other tabs and programs that use the card.',
    ]
      .filter(Boolean)
      .join(' ');
  },
  use: ({ changes }: NonNullable<LessMemory['here']>) => `Use ${settingsWords(changes)}`,
};
