// In: the state of a run on screen; out: which hands on it work. No state is without one.
import type { RunState } from '../state/run.svelte.ts';

export type Hand =
  | 'pause'
  | 'go on' // or, stored by an earlier visit, Continue
  | 'stop'
  | 'end now' // where a stop is long in coming
  | 'preview'
  | 'start' // a new run, or the settings of one
  | 'mend' // the trouble's own button
  | 'compare';

export const hands: Record<RunState, readonly Hand[]> = {
  idle: ['start'],
  preparing: ['stop'],
  running: ['pause', 'stop', 'preview'],
  pausing: ['stop'],
  paused: ['go on', 'stop', 'preview'],
  stopping: ['end now'],
  stopped: ['compare', 'start'],
  done: ['compare', 'start'],
  failed: ['mend', 'start'],
};
