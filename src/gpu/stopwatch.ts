// stopwatch: a way to run a product n times and wait for it in; what one takes out, from the difference between n and 4n of them, as far as clock and
// waits can tell. The tuner's and the bench's too.

/** Of all measuring: the GPU's time, and the page's. */
const BUDGET = { gpuMs: 300, wallMs: 1500 };
/** A difference counts when it is as many ticks of what it was read from. */
const TICKS = 5;
/** What one product may take before it is known: a larger one is tried when the slowest card that is still possible would not take longer. */
const SAFE_MS = 20;
/** One that takes as long fills a card: a larger one would say nothing else. */
const FULL_MS = 2;
/** What clocks are rounded to, coarsest first (Firefox with fingerprinting resisted, Safari, Chrome); finer than the last is as good as exact. */
const CLOCKS_MS = [100, 16, 1, 0.1];
const FINE_MS = 0.005;

/** Products by what they cost, smallest first, and how `n` of one are timed. */
export interface Products {
  readonly flops: readonly number[];
  /** Runs product number `which` so many times in one submit and waits: two readings of the clock. Nothing is compiled meanwhile. */
  time(which: number, n: number): Promise<{ begun: number; ended: number }>;
  /** A wait for nothing. */
  emptyMs: number;
}
export interface Speed {
  /** FLOPs per ms; null where clock and waits are too coarse to tell. */
  told: number | null;
  /** It is at least this fast: what a limit may be taken from. 0: nothing is known. */
  atLeast: number;
}

/**
 * Grows from one small product on, twice as much work each time, to larger products where no card could take long for them, until n and 4n differ
 * by enough ticks.
 * @param enough FLOPs per ms from which on nobody asks more exactly, where the clock is too coarse for a difference.
 */
export async function measure({ flops, time, emptyMs }: Products, enough: number): Promise<Speed> {
  const clock = new Set(CLOCKS_MS);
  const speed: Speed = { told: null, atLeast: 0 };
  const spent = { gpuMs: 0, wallMs: 0, flops: 0 };
  let which = 0;
  let n = emptyMs > SAFE_MS ? 8 : 1;
  for (;;) {
    const times = new Map<number, number>(); // of one product, by how many
    const one = flops[which] as number;
    for (;;) {
      const { begun, ended } = await time(which, n);
      for (const step of clock) if (!(isMultiple(begun, step) && isMultiple(ended, step))) clock.delete(step);
      const ms = ended - begun;
      const clockMs = Math.max(FINE_MS, ...clock);
      const tickMs = Math.max(clockMs, emptyMs);
      times.set(n, ms);
      spent.gpuMs += Math.max(0, ms - emptyMs);
      spent.wallMs += ms;
      spent.flops += n * one;
      // Answers that come by a timer begin and end at its ticks; between two readings of a coarse clock one more of its ticks may have passed.
      const moreMs = emptyMs > SAFE_MS ? Math.min(1, clockMs) : clockMs;
      speed.atLeast = Math.max(speed.atLeast, (n * one) / (ms + moreMs), spent.flops / (spent.wallMs + moreMs));
      const difference = ms - (times.get(n / 4) ?? ms);
      if (difference >= TICKS * tickMs) {
        speed.told = Math.max(speed.told ?? 0, (0.75 * n * one) / difference);
        if (which === flops.length - 1 || one / speed.told >= FULL_MS) return settled(speed);
      }
      const nextMs = 2 * Math.max(0, ms - emptyMs);
      // Ticks too long for any difference: two of them say as much as will ever be known, within a factor of two.
      const coarse = TICKS * tickMs > BUDGET.gpuMs && (speed.atLeast >= enough || ms > 1.9 * tickMs);
      if (coarse || spent.gpuMs + nextMs > BUDGET.gpuMs || spent.wallMs + emptyMs + nextMs > BUDGET.wallMs)
        return settled(speed);
      const larger = flops[which + 1];
      if (larger && larger <= SAFE_MS * speed.atLeast) {
        n = Math.max(1, Math.round((2 * n * one) / larger));
        which++;
        break;
      }
      n *= 2;
    }
  }
}

/** What was told is at least what it is, too; with a tenth for a clock that jitters. */
const settled = ({ told, atLeast }: Speed): Speed => ({
  told,
  atLeast: told === null ? atLeast : Math.max(atLeast, 0.9 * told),
});

const isMultiple = (ms: number, step: number): boolean => Math.abs(ms / step - Math.round(ms / step)) < 1e-4;
