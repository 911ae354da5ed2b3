// A worker that is asked things in, and whatever is heard of it; a word when it has said nothing for too long, so that it can be ended, out.
import { type AwakeClock, awakeClock } from '../training/awake-clock.ts';
import type { Patience } from '../training/silence.ts';

const TICK_MS = 5000;

export interface Watch {
  /** Somebody waits for an answer from now on, until the function that comes back is called. */
  waits(): () => void;
  /** It said something. `news`: of the work itself, not only that it is there. */
  heard(news: boolean): void;
  close(): void;
}
interface Watched {
  /** Asks for a sign of life: resolves (or rejects) when the worker answers. */
  ping(): Promise<unknown>;
  patience(): Patience;
  onSilence(): void;
  tickMs?: number | undefined;
}

/**
 * Silence counts only while somebody waits, and only while this side's own timer ticks: neither a sleeping laptop nor a frozen tab is silent.
 * Each tick asks the worker for a sign of life; one that computes for minutes in one go, or spins, gives none.
 */
export function watch({ ping, patience, onSilence, tickMs = TICK_MS }: Watched): Watch {
  let clock: AwakeClock | null = null;
  let waiting = 0;
  let pinged = false;
  let answered = 0;
  let news = 0;

  const rest = (): void => {
    clock?.close();
    clock = null;
  };
  const heard = (isNews: boolean): void => {
    if (!clock) return;
    answered = clock.now();
    if (isNews) news = answered;
  };
  const onTick = (): void => {
    if (!clock) return;
    const { answerMs, newsMs } = patience();
    const now = clock.now();
    if (now - answered >= answerMs || now - news >= newsMs) {
      rest();
      onSilence();
    } else if (!pinged) sendPing();
  };
  const sendPing = (): void => {
    pinged = true;
    const answer = () => {
      pinged = false;
      heard(false);
    };
    ping().then(answer, answer);
  };
  return {
    waits() {
      waiting += 1;
      if (!clock) {
        clock = awakeClock({ tickMs, onTick });
        heard(true);
      }
      let over = false;
      return () => {
        if (over) return;
        over = true;
        waiting -= 1;
        if (waiting === 0) rest();
      };
    },
    heard,
    close: rest,
  };
}
