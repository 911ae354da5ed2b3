// A timer of one's own in; the time that this thread was really awake for, in ms, out: a sleeping laptop or a frozen tab is no time at all, and told.

export interface AwakeClock {
  /** ms from any origin; never goes back. */
  now(): number;
  close(): void;
}
export interface AwakeOptions {
  tickMs?: number;
  onTick?: () => void;
  /** Nothing ran here for so many ms: told at the first tick after it. */
  onGap?: (ms: number) => void;
  wall?: () => number; // ms; unlike `time`, which may stand still, it goes on while a computer sleeps
  time?: () => number; // ms
  every?: (tick: () => void, ms: number) => { stop(): void };
}

/** A tick that comes late by more than its interval adds one interval: nothing ran here for the rest. */
export function awakeClock(options: AwakeOptions = {}): AwakeClock {
  const { tickMs = 1000, onTick, onGap, time = () => performance.now(), every = interval } = options;
  const wall = options.wall ?? Date.now;
  let awake = 0;
  let last = time();
  const since = (): number => {
    const ms = time() - last;
    return ms > 2 * tickMs || ms < 0 ? tickMs : ms;
  };
  let latest = 0;
  let lastWall = wall();
  const now = (): number => {
    latest = Math.max(latest, awake + since());
    return latest;
  };
  const timer = every(() => {
    awake = now();
    const late = Math.max(time() - last, wall() - lastWall) - tickMs;
    [last, lastWall] = [time(), wall()];
    if (late > tickMs) onGap?.(late);
    onTick?.();
  }, tickMs);
  return { now, close: () => timer.stop() };
}

/** What `work` gave, and the ms that it took of a computer that was awake. It is handed the clock. */
export async function timed<T>(work: (now: () => number) => Promise<T>): Promise<{ result: T; ms: number }> {
  const clock = awakeClock();
  try {
    const begun = clock.now();
    const result = await work(clock.now);
    return { result, ms: clock.now() - begun };
  } finally {
    clock.close();
  }
}

function interval(tick: () => void, ms: number): { stop(): void } {
  const timer = setInterval(tick, ms);
  return { stop: () => clearInterval(timer) };
}
