// Pace: the moments at which steps and interruptions ended in, milliseconds a step and milliseconds left out.

const RECENT = 20; // steps: long enough to be steady, short enough to notice a card that slows down

export interface Pace {
  /** A stretch of steps begins (after a start, a pause, a measurement). */
  begin(): void;
  /** A step has ended. */
  step(): void;
  /** An interruption that comes every `previewEvery` steps (measuring, saving, drawing) took `ms`. */
  interruption(ms: number): void;
  /** ms until so many steps have ended from where the last one did, as the slower of the last and the mean tells; Infinity where none is known. */
  msUntil(steps: number): number;
  /** Mean of the last 20 steps; 0 before the first. */
  readonly msPerStep: number;
  /** Mean of all steps of this session, without interruptions. */
  readonly meanMsPerStep: number;
  msLeft(steps: number, interruptions: number): number;
}

/** `now` in ms, from any origin. */
export function pace(now: () => number): Pace {
  const recent: number[] = [];
  let since = now();
  let steps = 0;
  let totalMs = 0;
  let lastInterruptionMs = 0;
  const recentMs = () => (recent.length === 0 ? 0 : recent.reduce((sum, ms) => sum + ms, 0) / recent.length);
  return {
    begin() {
      since = now();
    },
    step() {
      const at = now();
      const ms = Math.max(0, at - since); // a clock that was set back says nothing
      recent.push(ms);
      if (recent.length > RECENT) recent.shift();
      totalMs += ms;
      steps += 1;
      since = at;
    },
    interruption(ms) {
      lastInterruptionMs = Math.max(0, ms);
    },
    msUntil: (stepsLeft) =>
      recent.length === 0
        ? Number.POSITIVE_INFINITY
        : stepsLeft * Math.max(recentMs(), recent.at(-1) ?? 0) - (now() - since),
    get msPerStep() {
      return recentMs();
    },
    get meanMsPerStep() {
      return steps === 0 ? 0 : totalMs / steps;
    },
    msLeft: (stepsLeft, interruptions) => stepsLeft * recentMs() + interruptions * lastInterruptionMs,
  };
}
