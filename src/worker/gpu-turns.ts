// Whose turn it is on the GPU: pictures and one run in; each picture alone on the GPU out — between two steps while a run goes on.
import type { RunControls } from '../training/controls.ts';
import { Trouble } from '../trouble.ts';

export interface GpuTurns {
  /** The run under way, if any. */
  readonly run: RunControls | null;
  /** Runs `work` when nothing else uses the GPU. Aborting while it waits rejects at once; `work` itself looks at the signal. */
  picture<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Gives the GPU to a run until `work` ends; pictures asked for meanwhile are its errands. A second run is Trouble 'busy-training'. */
  training<T>(controls: RunControls, work: () => Promise<T>): Promise<T>;
}

export const busyTraining = (): Trouble<'busy-training'> =>
  new Trouble('busy-training', {}, 'a training is under way: pause or stop it first');

export function gpuTurns(): GpuTurns {
  let last: Promise<unknown> = Promise.resolve();
  let run: RunControls | null = null;
  const inLine = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
  return {
    get run() {
      return run;
    },
    picture(signal, work) {
      const unlessAborted = async () => {
        signal.throwIfAborted();
        return work();
      };
      const turn = run ? run.atBoundary(unlessAborted) : inLine(unlessAborted);
      return whileWaiting(signal, turn);
    },
    training(controls, work) {
      if (run) throw busyTraining();
      run = controls;
      return inLine(async () => {
        try {
          return await work();
        } finally {
          // In this order: a picture asked for from here on takes its own turn, those asked for before are done now.
          run = null;
          await controls.doErrands();
        }
      });
    },
  };
}

/** The turn's answer, or the signal's reason as soon as it aborts. The turn itself then finds its signal aborted. */
function whileWaiting<T>(signal: AbortSignal, turn: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
