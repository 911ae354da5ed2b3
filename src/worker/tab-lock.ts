// One tab uses the graphics card at a time: work in, the same work under the browser-wide lock out, or Trouble 'another-tab'.
import { Trouble } from '../trouble.ts';

const NAME = 'darkroom-training';
// A tab that was just reloaded has to let go of what it held: the browser ends its worker a moment after the new page has begun.
const PATIENCE_MS = 3000;

/** Runs `work` holding the lock; rejects with Trouble 'another-tab' where another tab keeps it. Without Web Locks it simply runs. */
export async function inOneTab<T>(
  work: () => Promise<T>,
  { locks = globalThis.navigator?.locks, patienceMs = PATIENCE_MS } = {},
): Promise<T> {
  if (!locks) return work();
  let ours = false;
  try {
    return await locks.request(NAME, { signal: AbortSignal.timeout(patienceMs) }, () => {
      ours = true;
      return work();
    });
  } catch (error) {
    if (!ours) throw new Trouble('another-tab', {});
    throw error;
  }
}
