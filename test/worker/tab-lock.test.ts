// The browser-wide lock, over Web Locks written down in a few lines: one at a time, a moment's patience, failures handed on.
import { describe, expect, it } from 'vitest';
import { inOneTab } from '../../src/worker/tab-lock.ts';

/** Web Locks of one name: waits for its turn until the signal says otherwise. */
function lockManager(): LockManager {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request: async (_name: string, { signal }: LockOptions, work: () => Promise<unknown>) => {
      const before = last;
      let release: () => void = () => {};
      last = new Promise<void>((resolve) => {
        release = resolve;
      });
      try {
        await Promise.race([
          before,
          new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
        ]);
        return await work();
      } finally {
        void before.then(release);
      }
    },
  } as unknown as LockManager;
}
const wait = (ms: number) => new Promise((wake) => setTimeout(wake, ms));

describe('one tab at a time', () => {
  it('runs what holds the lock and refuses what waits too long', async () => {
    const locks = lockManager();
    const first = inOneTab(() => wait(60).then(() => 'first'), { locks });
    await expect(inOneTab(async () => 'second', { locks, patienceMs: 10 })).rejects.toMatchObject({
      code: 'another-tab',
    });
    expect(await first).toBe('first');
    expect(await inOneTab(async () => 'third', { locks, patienceMs: 10 })).toBe('third');
  });

  it('waits a moment for a tab that is just closing', async () => {
    const locks = lockManager();
    const closing = inOneTab(() => wait(10), { locks });
    expect(await inOneTab(async () => 'reloaded', { locks, patienceMs: 500 })).toBe('reloaded');
    await closing;
  });

  it('hands the work’s own failure on, also one that looks like a time-out', async () => {
    const failure = new DOMException('the work', 'TimeoutError');
    await expect(inOneTab(() => Promise.reject(failure), { locks: lockManager() })).rejects.toBe(failure);
  });

  it('runs where there are no locks', async () => {
    expect(await inOneTab(async () => 1, { locks: undefined })).toBe(1);
  });
});
