// What a real card, driver or browser may do to a page: each habit as data, and the honest device that has none.

/** A card's speed. */
export interface Card {
  flopsPerMs: number;
  dispatchMs: number;
}
export interface Habits {
  card: Card;
  /** What `performance.now()` is rounded down to. */
  clockMs: number;
  /** When `onSubmittedWorkDone` and `mapAsync` answer: at once, only every so often (Firefox), or then and at the first submit after the work is done. */
  answers: 'at-once' | { everyMs: number; atSubmits: boolean };
  /** The n-th wait answers late: a laptop that slept. */
  lateAnswer: { at: number; ms: number } | null;
  /** Command buffers that the driver takes before `submit` blocks the thread, and the least time one takes. */
  queue: { blocksAt: number; leastMs: number };
  memory: {
    capacity: number;
    /** Over-commitment is granted, and everything takes so many times as long. */
    pages: number | null;
    /** Refuses the first so many bytes, whatever there is. */
    falseAlarm: number;
    /** What was destroyed is free when the queue has got there and somebody waited for it. */
    freesLate: boolean;
  };
  /** The n-th submit is dropped, and its error told so many ms later to whoever listens. */
  lateError: { submit: number; afterMs: number } | null;
  /** The device is lost at its n-th call; `toldMs` later `device.lost` says so. */
  loss: { call: number; toldMs: number } | null;
  info: { vendor: string; architecture: string; device: string; description: string; isFallbackAdapter?: boolean };
  limits: { maxStorageBufferBindingSize: number; maxBufferSize: number };
}

export const HONEST: Habits = {
  card: { flopsPerMs: 1e9, dispatchMs: 0.01 },
  clockMs: 0.005,
  answers: 'at-once',
  lateAnswer: null,
  queue: { blocksAt: Number.POSITIVE_INFINITY, leastMs: 0 },
  memory: { capacity: Number.POSITIVE_INFINITY, pages: null, falseAlarm: 0, freesLate: false },
  lateError: null,
  loss: null,
  info: { vendor: 'fake', architecture: 'honest', device: '', description: 'Honest card' },
  limits: { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 },
};

/** FLOP/s from a phone's to a workstation's. */
export const CARDS: Readonly<Record<string, Card>> = {
  '4 GFLOP/s': { flopsPerMs: 4e6, dispatchMs: 0.05 },
  '20 GFLOP/s': { flopsPerMs: 20e6, dispatchMs: 0.05 },
  '60 GFLOP/s': { flopsPerMs: 60e6, dispatchMs: 0.03 },
  '250 GFLOP/s': { flopsPerMs: 250e6, dispatchMs: 0.02 },
  '2 TFLOP/s': { flopsPerMs: 2e9, dispatchMs: 0.01 },
  '20 TFLOP/s': { flopsPerMs: 2e10, dispatchMs: 0.005 },
};
export const CLOCKS: Readonly<Record<string, Pick<Habits, 'clockMs' | 'answers'>>> = {
  '5 µs': { clockMs: 0.005, answers: 'at-once' },
  '1 ms': { clockMs: 1, answers: 'at-once' },
  '100 ms': { clockMs: 1, answers: { everyMs: 100, atSubmits: false } },
  '100 ms, nudged': { clockMs: 1, answers: { everyMs: 100, atSubmits: true } },
  'a clock of 100 ms': { clockMs: 100, answers: 'at-once' },
};
