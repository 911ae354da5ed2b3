// One tab uses the graphics card at a time: work in, the same work under the browser-wide lock out, or Trouble 'another-tab'.
import { Trouble } from '../trouble.ts';

const NAME = 'darkroom-training';

/** Runs `work` holding the lock; rejects at once with Trouble 'another-tab' where another tab holds it. Without Web Locks it simply runs. */
export async function inOneTab<T>(work: () => Promise<T>, locks = globalThis.navigator?.locks): Promise<T> {
  if (!locks) return work();
  return locks.request(NAME, { ifAvailable: true }, async (lock) => {
    if (!lock) throw new Trouble('another-tab', {});
    return work();
  });
}
