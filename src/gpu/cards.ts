// cards: what an adapter says of itself and how fast it was in; one key for it and which kernels it gets out. Remembered while the worker lives.
import type { KernelChoice } from '../graph/op.ts';
import { kernelsFor } from './engine-plan.ts';
import type { KernelWords } from './engine-types.ts';
import type { GpuReport } from './report.ts';
import { dispatchFlops } from './speed.ts';
import type { Speed } from './stopwatch.ts';

/** A GPU as planning needs it. */
export type Card = Pick<GpuReport, 'kind' | 'name' | 'limits'> & Partial<Pick<GpuReport, 'vendor' | 'architecture'>>;

/** No graphics card that says nothing of itself is slower (GFLOP/s); a processor that stands in for one rarely is faster. */
const SOFTWARE_FLOPS_PER_MS = 16e6;
const SAME_CARD = 2; // times another speed: the same card, hot or busy

const speeds = new Map<string, Speed>();

/** By everything that an adapter says of itself: what cards of one family share is not theirs alone, but limits and speed tell them apart. */
export const cardKey = ({ name, vendor = '', architecture = '', limits }: Card): string =>
  [name, vendor, architecture, ...Object.values(limits)].join('|');

export const rememberSpeed = (card: Card, speed: Speed): void => void speeds.set(cardKey(card), speed);
export const speedKnown = (card: Card): Speed | null => speeds.get(cardKey(card)) ?? null;

/** A processor that draws, by its word, or by being slow where it says nothing (Firefox hides names and flags). */
export function isSoftware(card: Card): boolean {
  if (card.kind !== 'unknown' || card.name || card.vendor) return card.kind === 'software';
  const told = speedKnown(card)?.told;
  return told !== null && told !== undefined && told < SOFTWARE_FLOPS_PER_MS;
}

/** Dispatches are not free: ms for one that does nothing, on any card and in any browser at most. */
const DISPATCH_MS = 0.02;

/** What so much work should take on it, ms, going by its measured speed; null where that is not known, or where it is software, whose memory is never short. */
export function promisedMs(card: Card, { flops, dispatches }: { flops: number; dispatches: number }): number | null {
  const told = isSoftware(card) ? null : speedKnown(card)?.told;
  return told ? flops / told + dispatches * DISPATCH_MS : null;
}

/** Kernels and the longest dispatch that suit it, as far as its speed is known. */
export const kernelsOf = (card: Card): KernelChoice => chosenBy(kernelWordsOf(card));
/** What they are chosen by: with the same words the same kernels, however fast the card was found to be. */
export const kernelWordsOf = (card: Card): KernelWords => ({
  software: isSoftware(card),
  maxDispatchFlops: dispatchFlops(speedKnown(card)?.atLeast ?? 0),
});
export const chosenBy = ({ software, maxDispatchFlops }: KernelWords): KernelChoice =>
  kernelsFor(software, maxDispatchFlops);

/** What times on this card are kept under; null where it is nameless and unmeasured: that is no card in particular. */
export interface TimedOn {
  key: string;
  name: string;
  flopsPerMs: number | null;
}
export function timedOn(card: Card): TimedOn | null {
  const flopsPerMs = speedKnown(card)?.told ?? null;
  return card.name || flopsPerMs !== null ? { key: cardKey(card), name: card.name, flopsPerMs } : null;
}
/** May a time taken at one speed tell of another? Where either is not known, the name has to do. */
export const alike = (a: number | null, b: number | null): boolean =>
  a === null || b === null || (a <= SAME_CARD * b && b <= SAME_CARD * a);
