// A run's events in; how long it may now say nothing before it counts as hanging, by what it said last and by its measured speed, out. Pure.
import type { TrainEvent } from './events.ts';

export interface Patience {
  /** ms in which the worker must answer at all, if only to a ping: it cannot while it computes or spins. */
  answerMs: number;
  /** ms in which the run must say something of itself, though its worker answers. */
  newsMs: number;
}
export interface RunPatience {
  hear(event: TrainEvent): void;
  readonly now: Patience;
}

/** Where nothing is measured yet. A browser may hold a worker up while the GPU process compiles, but not for so long. */
export const UNMEASURED: Patience = { answerMs: 180_000, newsMs: Number.POSITIVE_INFINITY };
/** Encoding, compiling, uploading, the first steps: slow computers take minutes for one, and nobody knows how many. */
const UNKNOWN_MS = 3_600_000;
const LEAST_MS = 60_000;
const TIMES = 40; // of a step: measuring and drawing take less for one of theirs
/** The first ones of an engine load its kernels, with two in flight. */
const FIRST_STEPS = 3;

/** For one run, in whatever worker. */
export function runPatience(): RunPatience {
  let last: 'unknown' | 'timed' | 'paused' = 'unknown';
  let msPerStep = 0;
  let steps = 0; // with this engine
  return {
    hear(event) {
      if (event.kind === 'planned' || event.kind === 'device-lost' || event.kind === 'no-answer') steps = 0;
      if (event.kind === 'step') {
        steps += 1;
        msPerStep = event.msPerStep;
      }
      const timed = steps > FIRST_STEPS;
      if (event.kind === 'paused') last = 'paused';
      else if (event.kind === 'progress') {
        const { phase, done, total } = event.progress;
        const unit = (phase === 'measuring' || phase === 'drawing') && done < total; // after the last comes something else
        if (phase === 'preparing-gpu') steps = 0;
        last = timed && unit ? 'timed' : 'unknown';
      } else last = timed ? 'timed' : 'unknown';
    },
    get now() {
      if (last === 'paused') return UNMEASURED; // a person may take days
      if (last === 'unknown') return { ...UNMEASURED, newsMs: UNKNOWN_MS };
      const ms = Math.max(LEAST_MS, TIMES * msPerStep);
      return { answerMs: ms, newsMs: ms };
    },
  };
}
