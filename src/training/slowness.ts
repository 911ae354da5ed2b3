// Slow steps: what each one took in; how many times slower than it should be the computer has become, or that it no longer is, out. Pure.

/**
 * Against the run's own earlier steps. A hot card, a battery or another program on the same card cost less; memory that the driver has moved
 * to the computer's costs more.
 */
const TIMES = 8;
/** Against FLOPs ÷ measured speed, which no step reaches: half of it is common. */
const TIMES_PROMISED = 4;
/** One long step is a hiccup, a window, a sleep; so many in a row are not. */
const IN_A_ROW = 3;
/** Steps whose median is what a step takes: the first ones, which load kernels, do not count for more than others. */
const USUAL = 5;
/** Clocks are coarse (up to 100 ms in some browsers): what is quicker cannot be told apart. */
const LEAST_MS = 5;

export interface Slowness {
  /** null: no news. n: steps have become n times as slow as they should be. 1: they are as they should be again. */
  note(ms: number): number | null;
}

/**
 * The one rule for "too slow": against the quickest that the run has been and, where something else (FLOPs ÷ measured speed) says what to
 * expect, against `promisedMs`. Sleep is the clock's to leave out (awake-clock.ts).
 */
export function slowness(promisedMs = Number.POSITIVE_INFINITY): Slowness {
  let usual = Number.POSITIVE_INFINITY;
  let slow = false;
  const last: number[] = [];
  return {
    note(ms) {
      last.push(ms);
      if (last.length > USUAL) last.shift();
      const limit = Math.min(TIMES * Math.max(usual, LEAST_MS), TIMES_PROMISED * Math.max(promisedMs, LEAST_MS));
      const row = last.slice(-IN_A_ROW);
      const changed = row.length === IN_A_ROW && row.every((one) => one > limit !== slow);
      const news = changed ? (slow ? 1 : Math.round(median(row) / Math.max(Math.min(usual, promisedMs), 1))) : null;
      if (changed) slow = !slow;
      if (last.length === USUAL) usual = Math.min(usual, median(last));
      return news;
    },
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
