// Failures that trying again may mend in; how long everyone waits before the next try out, until patience is over.
import type { Trouble } from '../trouble.ts';

/** A connection that broke, or an answer that says “later”. `status` 0: no answer. */
export class Cut extends Error {
  constructor(
    message: string,
    readonly status = 0,
    readonly retryAfterMs: number | null = null,
    /** Where a whole file ended, as if that were all of it. */
    readonly endedAt: number | null = null,
  ) {
    super(message);
  }
}
export interface Waiting {
  tries: number; // in a row without a byte; then it gives up
  firstMs: number; // doubled after every failure
  longestMs: number; // a server that asks for more is not waited for
}
export const WAITING: Waiting = { tries: 5, firstMs: 1000, longestMs: 10 * 60_000 };

/**
 * Shared by all connections of a download: when the network goes, all break at once, and that is one failure. A byte that arrives anywhere
 * sets the count back.
 */
export class Patience {
  #round = 0;
  #failures = 0;
  #until = 0; // of performance.now(): a clock that is set back makes nobody wait
  constructor(
    readonly waiting: Waiting,
    readonly onWait: (ms: number | null) => void,
  ) {}

  /** Waits until the next try is due; the number says which round the try belongs to. */
  async turn(signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const ms = this.#until - performance.now();
      if (ms <= 0) return this.#round;
      this.onWait(ms);
      await sleep(Math.min(ms, 1000), signal); // in small steps, so that the page counts down
    }
  }

  progress(): void {
    this.#failures = 0;
    if (this.#until <= performance.now()) this.onWait(null);
  }

  /** Notes a failure of a try of `round`, or throws when there is no point in another: Trouble 'download-cut' made by `giveUp`. */
  failed(round: number, cut: Cut, giveUp: (status: number) => Trouble): void {
    const asked = cut.retryAfterMs ?? 0;
    if (asked > this.waiting.longestMs) throw giveUp(cut.status);
    if (round === this.#round) {
      this.#round++;
      this.#failures++;
      if (this.#failures > this.waiting.tries) throw giveUp(cut.status);
    }
    const backOff = this.waiting.firstMs * 2 ** (this.#failures - 1);
    this.#until = Math.max(this.#until, performance.now() + Math.max(backOff, asked));
  }
}

/** Retry-After as milliseconds from now: seconds, or a date. Null where the server says nothing sensible. */
export function retryAfterMs(headers: Headers): number | null {
  const value = headers.get('Retry-After');
  if (value === null) return null;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((wake, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      wake();
    }, ms);
    signal.addEventListener('abort', end, { once: true });
  });
}
