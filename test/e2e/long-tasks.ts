// In: a page. Out: how long its main thread was busy at a stretch while something ran in the worker.
import type { Page } from '@playwright/test';

export interface Busy {
  beats: number[]; // ms between two beats of a 20 ms timer
  longTasks: number[]; // ms, from PerformanceObserver: each over 50 ms
}
declare global {
  interface Window {
    busy: Busy;
  }
}

/** Begins to measure now. */
export async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const busy: Busy = { beats: [], longTasks: [] };
    window.busy = busy;
    new PerformanceObserver((list) => {
      for (const task of list.getEntries()) busy.longTasks.push(task.duration);
    }).observe({ type: 'longtask', buffered: false });
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      busy.beats.push(now - last);
      last = now;
    }, 20);
  });
}

export const measured = (page: Page): Promise<Busy> => page.evaluate(() => window.busy);

/** The control: blocks the main thread, and says how long the longest task was then. */
export const afterBlocking = (page: Page, ms: number): Promise<number> =>
  page.evaluate(async (length) => {
    const end = performance.now() + length;
    await new Promise<void>((done) =>
      setTimeout(() => {
        while (performance.now() < end);
        done();
      }),
    );
    await new Promise((seen) => setTimeout(seen, 100));
    return Math.max(0, ...window.busy.longTasks);
  }, ms);

/** The value below which `share` of them lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
