// A timer of one's own in; the time that this thread was really awake for, in ms, out: a sleeping laptop or a frozen tab is no time at all.

export interface AwakeClock {
  /** ms from any origin; never goes back. */
  now(): number;
  close(): void;
}
export interface AwakeOptions {
  tickMs?: number;
  onTick?: () => void;
  time?: () => number; // ms
  every?: (tick: () => void, ms: number) => { stop(): void };
}

/** A tick that comes late by more than its interval adds one interval: nothing ran here for the rest. */
export function awakeClock(options: AwakeOptions = {}): AwakeClock {
  const { tickMs = 1000, onTick, time = () => performance.now(), every = interval } = options;
  let awake = 0;
  let last = time();
  const since = (): number => {
    const ms = time() - last;
    return ms > 2 * tickMs || ms < 0 ? tickMs : ms;
  };
  let latest = 0;
  const now = (): number => {
    latest = Math.max(latest, awake + since());
    return latest;
  };
  const timer = every(() => {
    awake = now();
    last = time();
    onTick?.();
  }, tickMs);
  return { now, close: () => timer.stop() };
}

function interval(tick: () => void, ms: number): { stop(): void } {
  const timer = setInterval(tick, ms);
  return { stop: () => clearInterval(timer) };
}
