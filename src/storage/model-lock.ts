// A model's id and work that writes it in; the same work, by one tab at a time, out.
import { Trouble } from '../trouble.ts';

const nameOf = (modelId: string): string => `darkroom-model-${modelId}`;
const locksHere = (): LockManager | undefined => globalThis.navigator?.locks;

/**
 * Runs `work` while no other tab (and no other call here) writes this model: Trouble 'model-busy' at once where one does, or, with `wait`, after
 * it. Without Web Locks it simply runs.
 */
export async function lockingModel<T>(
  modelId: string,
  work: () => Promise<T>,
  { wait = false, signal = undefined as AbortSignal | undefined, locks = locksHere() } = {},
): Promise<T> {
  if (!locks) return work();
  // `signal` and `ifAvailable` exclude each other.
  const options = wait ? { ...(signal ? { signal } : {}) } : { ifAvailable: true };
  return locks.request(nameOf(modelId), options, (lock) => {
    if (lock === null) throw new Trouble('model-busy', { modelId }, `another tab is writing the model “${modelId}”.`);
    return work();
  });
}
