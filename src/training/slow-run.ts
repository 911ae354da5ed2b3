// A run's events in; the same events, and 'slowed' where held-out draws or steps take far longer than they should, out.
import type { TrainEvent } from './events.ts';
import { type Slowness, slowness } from './slowness.ts';

/** Of the GPU's arithmetic in a step, a forward pass takes at most a third: backward costs two. */
const DRAWS_A_STEP = 3;
/** Draws after the first answer, whose kernels are loaded, that tell as much as three steps. */
const ENOUGH = 3;

export interface SlowRun {
  hear(event: TrainEvent): void;
  /** A new engine: what one step, of `micro` passes, should take in ms; null where nobody knows. */
  expect(stepMs: number | null, micro: number): void;
}

/** `now` in ms, of a computer that is awake. Only what lies between two events of the run is timed: pauses and pictures are not steps. */
export function slowRun(now: () => number, report: (event: TrainEvent) => void): SlowRun {
  let promised: { stepMs: number; drawMs: number } | null = null;
  let steps: Slowness = slowness();
  let taken = 0;
  let at = now(); // of the last event
  let draws: { done: number; at: number } | null = null; // the first answer
  let slow = false;

  const say = (step: number, times: number): void => {
    slow = times > 1;
    report({ kind: 'slowed', step, times });
  };
  /** Before the first step of an engine: they tell as much as steps do, and come first. */
  function measured(done: number): void {
    if (!promised || taken > 0 || slow) return;
    draws ??= { done, at: now() };
    const more = done - draws.done;
    if (more < ENOUGH) return;
    const rule = slowness(promised.drawMs);
    const ms = (now() - draws.at) / more;
    const news = Array.from({ length: ENOUGH }, () => rule.note(ms)).at(-1);
    if (news) say(0, news);
  }
  return {
    expect(stepMs, micro) {
      promised = stepMs === null ? null : { stepMs, drawMs: stepMs / micro / DRAWS_A_STEP };
      steps = slowness(promised?.stepMs);
      [taken, draws, slow] = [0, null, false];
    },
    hear(event) {
      report(event);
      const since = now() - at;
      at = now();
      if (event.kind === 'progress' && event.progress.phase === 'measuring' && event.progress.done > 0)
        measured(event.progress.done);
      if (event.kind !== 'step') return;
      taken += 1;
      const times = steps.note(since);
      if (times !== null) say(event.step, times);
      else if (taken === ENOUGH && slow) say(event.step, 1); // only the draws were slow
    },
  };
}
