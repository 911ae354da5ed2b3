// The hands on a running training: pause, resume, stop and errands (a picture to draw) in; the loop asks at every step boundary.

/** A job that needs the GPU for itself: done between two steps, or at once while paused. */
type Errand = () => Promise<void>;

export interface RunControls {
  readonly paused: boolean;
  readonly stopping: boolean;
  /** Does anyone want the loop to let the GPU go? */
  readonly wanted: boolean;
  /** For the loop: calls `heard` whenever somebody pauses, stops or has an errand, until the function that comes back is called. */
  whenWanted(heard: () => void): () => void;
  pause(): void;
  resume(): void;
  stop(): void;
  /** Runs `errand` at the next step boundary and hands on what it gives. Its failure is its caller's, not the run's. */
  atBoundary<T>(errand: () => Promise<T>): Promise<T>;
  /** For the loop: does the errands that wait, one after another; those that come meanwhile wait for the next boundary, or steps would starve. */
  doErrands(): Promise<void>;
  /** For the loop: does errands as they come until resume() or stop(). */
  whilePaused(): Promise<void>;
}

export function runControls(): RunControls {
  let paused = false;
  let stopping = false;
  let errands: Errand[] = [];
  let wake: () => void = () => {};
  const listeners = new Set<() => void>();
  const call = () => {
    wake();
    for (const heard of listeners) heard();
  };

  const doErrands = async () => {
    const now = errands;
    errands = [];
    for (const errand of now) await errand();
  };
  return {
    get paused() {
      return paused;
    },
    get stopping() {
      return stopping;
    },
    get wanted() {
      return paused || stopping || errands.length > 0;
    },
    whenWanted(heard) {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
    pause() {
      paused = true;
      call();
    },
    resume() {
      paused = false;
      wake();
    },
    stop() {
      stopping = true;
      call();
    },
    atBoundary(errand) {
      return new Promise((resolve, reject) => {
        errands.push(() => Promise.resolve().then(errand).then(resolve, reject));
        call();
      });
    },
    doErrands,
    async whilePaused() {
      while (paused && !stopping) {
        const called = new Promise<void>((resolve) => {
          wake = resolve; // set before the errands are looked at: none can be missed
        });
        await doErrands();
        if (paused && !stopping && errands.length === 0) await called;
      }
    },
  };
}
