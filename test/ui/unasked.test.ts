// What the page draws without being asked: it says so to the worker, which waits in silence for another tab's card; a press beside it waits no longer.
import { expect, test, vi } from 'vitest';
import { Baseline } from '../../src/ui/state/baseline.svelte.ts';
import { Compare } from '../../src/ui/state/compare.svelte.ts';
import type { StudioCalls } from '../../src/ui/state/studio.ts';
import type { AdapterInfo } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';

const adapter: AdapterInfo = {
  ...{ adapterId: 'a', name: 'a', identifier: 'aawxbc', classNoun: 'toy', modelId: 'demo', rank: 4, moments: [4] },
  ...{ bestStep: 4, createdAt: 0, fileBytes: { kohya: 1, diffusers: 1 } },
};
/** Another tab has the card: what was not asked for waits until it is given up. */
class Waiting extends FakeStudio {
  heard: (boolean | undefined)[] = [];
  override draw(...[signal, request, onProgress, unasked]: Parameters<StudioCalls['draw']>) {
    this.heard.push(unasked);
    if (!unasked) return super.draw(signal, request, onProgress);
    onProgress({ phase: 'encoding-text', done: 0, total: 1 });
    return new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  }
}
const canvas = () => ({ size: 128, weights: 'f16' }) as const;
const later = () => new Promise((wake) => setTimeout(wake, 20));

test('Compare: the first pictures wait, Make picture does not', async () => {
  const studio = new Waiting();
  const compare = new Compare(studio, canvas, async () => {});
  compare.open(adapter);
  void compare.draw(true);
  await later();
  expect(studio.heard).toEqual([true]);
  expect(compare.at(0)).toBe(null);
  void compare.draw();
  await vi.waitFor(() => expect(compare.drawing).toBe(false));
  expect(studio.heard.slice(1)).not.toContain(true);
  expect([compare.at(0), compare.at(1)]).not.toContain(null);
});

test('Compare: the picture with the adapter comes first, then the one without, then the strip', async () => {
  const drawn: number[] = [];
  class Watched extends FakeStudio {
    override draw(...args: Parameters<StudioCalls['draw']>) {
      drawn.push(args[1].strength);
      return super.draw(...args);
    }
  }
  const compare = new Compare(new Watched(), canvas, async () => {});
  compare.open(adapter);
  await compare.draw(true);
  expect(drawn).toEqual([1, 0, 0.25, 0.5, 0.75, 1.25]);
});

test('Name: cells that nobody pressed for say so, pressed ones do not', async () => {
  const studio = new Waiting();
  const baseline = new Baseline(studio, canvas, () => 'demo');
  void baseline.draw('a toy', 'a toy aawxbc', 2, false, true);
  await later();
  expect(studio.heard).toEqual([true]);
  expect(baseline.trouble).toBe(null);
  baseline.stop();
  await baseline.draw('a toy', 'a toy aawxbc', 2);
  expect(studio.heard).toEqual([true, false, false, false, false]);
  expect(baseline.finished).toBe(true);
});
