// What was shown comes back: files that could not be read, the strip's pictures, the untouched model's, Compare's; and *Try again* tries again.
import { expect, test, vi } from 'vitest';
import { Trouble } from '../../src/trouble.ts';
import { shownTrouble, triesAgain } from '../../src/ui/photos/unreadable.ts';
import { Baseline } from '../../src/ui/state/baseline.svelte.ts';
import { Compare } from '../../src/ui/state/compare.svelte.ts';
import { Photos } from '../../src/ui/state/photos.svelte.ts';
import { Run } from '../../src/ui/state/run.svelte.ts';
import type { StudioCalls } from '../../src/ui/state/studio.ts';
import type { AdapterInfo, Picture, RunSummary, ShownCell, TrainingJob } from '../../src/worker/api.ts';
import { FakeStudio } from './fake-studio.ts';
import { browser } from './tabs.ts';

const file = (name: string) => new File([name], name, { type: 'image/png' });
/** A file on a disk that can be unplugged. */
function unplugged(name: string): { file: File; plugIn: () => void } {
  const it = file(name);
  const read = it.arrayBuffer.bind(it);
  it.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'));
  return {
    file: it,
    plugIn: () => {
      it.arrayBuffer = read;
    },
  };
}
const states = (photos: Photos) => photos.entries.map(({ name, state }) => `${name} ${state}`);

test('a file that is gone before it is read is named, also after a reload; the others are saved and later saves succeed', async () => {
  const chrome = browser();
  const tab = await chrome.open();
  const bad = unplugged('bad.png');
  await tab.photos.add([file('a.png'), bad.file, file('c.png')]);
  await tab.project.flush();
  tab.photos.change(tab.photos.all[1]!.id, { caption: 'later' });
  await tab.project.flush();
  expect(tab.project.trouble).toBe(null);
  const reloaded = await chrome.open();
  expect(states(reloaded.photos)).toEqual(['a.png ready', 'c.png ready', 'bad.png unreadable']);
  expect(reloaded.photos.all.map(({ caption }) => caption)).toEqual(['', 'later']);
  const [, , entry] = reloaded.photos.entries;
  if (entry?.state !== 'unreadable') throw new Error('it is not named');
  expect(triesAgain(entry)).toBe(false); // the file is not at hand
  expect(shownTrouble(entry)).toMatchObject({ facts: { file: 'bad.png', reason: 'lost' } });
});

test('Try again reads the file again (was: it left the photo out); dropping it again does too', async () => {
  const chrome = browser();
  const tab = await chrome.open();
  const [one, two] = [unplugged('1.png'), unplugged('2.png')];
  await tab.photos.add([one.file, two.file]);
  expect(states(tab.photos)).toEqual(['1.png unreadable', '2.png unreadable']);
  const [first] = tab.photos.entries;
  if (first?.state !== 'unreadable') throw new Error('it was read');
  expect(triesAgain(first)).toBe(true);
  one.plugIn();
  first.again?.();
  await tab.photos.add([]);
  expect(states(tab.photos)).toEqual(['1.png ready', '2.png unreadable']);
  await tab.photos.add([file('2.png')]);
  expect(states(tab.photos)).toEqual(['1.png ready', '2.png ready']);
  await tab.project.flush();
  expect(states((await chrome.open()).photos)).toEqual(['1.png ready', '2.png ready']);
});

test('what was still being read when the page was left is said', async () => {
  const chrome = browser();
  const tab = await chrome.open();
  const reading = tab.photos.add([file('a.png'), file('b.png')]);
  await new Promise((resolve) => setTimeout(resolve));
  await tab.project.flush();
  const left = await chrome.open(); // as after a reload in this moment
  await reading;
  expect(left.photos.entries.map(({ name }) => name).sort()).toEqual(['a.png', 'b.png']);
  expect(states(left.photos)).toContain('b.png unreadable');
  await tab.project.flush();
  expect(states((await chrome.open()).photos)).toEqual(['a.png ready', 'b.png ready']);
});

test('a photo whose copy is lost is taken out of use and named where it was', async () => {
  const photos = new Photos(new FakeStudio(), () => 128);
  await photos.add([file('a.png'), file('other.png')]);
  const { id } = photos.all[0]!;
  photos.lose(id, { code: 'photo-unreadable', facts: { file: 'a.png', reason: 'lost', id } });
  expect(states(photos)).toEqual(['a.png unreadable', 'other.png ready']);
  expect(photos.inUse.map(({ name }) => name)).toEqual(['other.png']);
});

test('undoing “Remove all” also reads on what was being read', async () => {
  const photos = new Photos(new FakeStudio({ delayMs: 5 }), () => 128);
  const reading = photos.add([file('a.png'), file('b.png')]);
  photos.clear()();
  await reading;
  await photos.add([]);
  expect(states(photos)).toEqual(['a.png ready', 'b.png ready']);
});

const picture = (step: number) => ({ kind: 'full', png: new Blob([`${step}`]) }) as Picture;

test('after a reload the strip has its pictures, the one before training too (was: empty for ever)', async () => {
  class Studio extends FakeStudio {
    override async runs() {
      return [{ runId: 'run', step: 100, state: 'paused', settings: { steps: 200 }, losses: [], heldOut: [] }] as never;
    }
    override async previews() {
      return [0, 50, 100, 150].map((step) => ({ step, picture: picture(step) })) as never;
    }
  }
  const run = new Run(new Studio());
  run.id = 'run';
  await run.find();
  expect(run.previews.map(({ step }) => step)).toEqual([0, 50, 100]); // 150 came after the last save and is drawn again
});

test('pictures that cannot be read do not keep a stored run from being shown', async () => {
  class Studio extends FakeStudio {
    override async previews(): Promise<never> {
      throw new Error('the database is closed');
    }
  }
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const run = new Run(new Studio());
  await run.show({
    runId: 'run',
    step: 3,
    state: 'done',
    settings: {},
    losses: [],
    heldOut: [],
  } as unknown as RunSummary);
  expect([run.step, run.trouble]).toEqual([3, null]);
});

test('what the untouched model drew is there after a reload, half done too, and not for another model', async () => {
  const studio = new FakeStudio();
  const baseline = (model: string) =>
    new Baseline(
      studio,
      () => ({ size: 128, weights: 'f16' }),
      () => model,
    );
  const before = baseline('demo');
  await before.draw('a photo of toy', 'a photo of abc toy', 2);
  const after = baseline('demo');
  await after.bringBack();
  expect(after.cells.map(({ prompt, seed, picture }) => [prompt, seed, picture !== null])).toEqual(
    before.cells.map(({ prompt, seed }) => [prompt, seed, true]),
  );
  const other = baseline('sd15');
  await other.bringBack();
  expect(other.cells).toEqual([]);
  const half = baseline('demo');
  const drawing = half.draw('a photo of dog', 'a photo of abc dog', 1);
  while (!half.cells[0]?.picture) await new Promise((resolve) => setTimeout(resolve, 1));
  half.stop();
  await drawing;
  const rest = baseline('demo');
  await rest.bringBack();
  expect(rest.cells.length).toBe(4);
  expect(rest.cells[0]!.picture).not.toBe(null);
});

test('Compare’s pictures are there after a reload, with their prompt, and nothing is drawn for them', async () => {
  const adapter = { adapterId: 'run', identifier: 'abc', classNoun: 'toy', moments: [10], bestStep: 10 } as AdapterInfo;
  class Studio extends FakeStudio {
    override async adapters() {
      return [adapter];
    }
  }
  const studio = new Studio();
  const compare = () =>
    new Compare(
      studio,
      () => ({ size: 128, weights: 'f16' }),
      async () => {},
      () => 'demo',
    );
  const before = compare();
  await before.list();
  before.strip = false;
  before.open(adapter);
  before.prompt = 'abc on the moon';
  before.steps = 3;
  await before.setStrength(0.75);
  await before.draw();
  const drawn = studio.calls.length;
  const after = compare();
  await after.list();
  expect([after.prompt, after.steps, after.strength, after.adapter?.adapterId]).toEqual([
    'abc on the moon',
    3,
    0.75,
    'run',
  ]);
  expect([after.without?.request.strength, after.with?.request.strength]).toEqual([0, 0.75]);
  await after.goOn();
  expect(studio.calls.length).toBe(drawn);
});

test('pictures that an earlier version drew open as DDIM, and what is drawn beside them is drawn as it was then', async () => {
  const adapter = { adapterId: 'run', identifier: 'abc', classNoun: 'toy', moments: [10], bestStep: 10 } as AdapterInfo;
  class Studio extends FakeStudio {
    override async adapters() {
      return [adapter];
    }
  }
  const studio = new Studio();
  const then = {
    prompt: 'abc',
    negativePrompt: '',
    seed: 7,
    steps: 20,
    guidance: 7.5,
    size: 128,
    weights: 'f16' as const,
  };
  const cell = (adapterId: string | null, strength: number): ShownCell => {
    const request = { ...then, adapterId, moment: null, strength };
    return { request, picture: { kind: 'full', png: new Blob(), width: 128, height: 128, request, ms: 1 } };
  };
  await studio.keepShown('compare', { modelId: 'demo', cells: [cell(null, 0), cell('run', 1)] });
  const compare = new Compare(
    studio,
    () => ({ size: 128, weights: 'f16' }),
    async () => {},
    () => 'demo',
  );
  await compare.list();
  expect([compare.sampler, compare.steps, compare.without?.request.seed]).toEqual(['ddim', 20, 7]);
  expect(compare.request(0.5)!.sampler).toBe(undefined);
  await compare.draw();
  expect(compare.request(0.5)!.sampler).toBe('ddim');
});

test('a run that could not begin, since another tab trains, does not take that tab’s run from the project', async () => {
  class Busy extends FakeStudio {
    override async train(): Promise<never> {
      throw new Trouble('another-tab', {});
    }
  }
  const run = new Run(new Busy());
  run.id = run.recorded = 'of the other tab';
  await run.start({ runId: 'mine', settings: { keptAside: 0 } } as TrainingJob);
  expect([run.state, run.recorded]).toEqual(['failed', 'of the other tab']);
});

test('a run is the project’s once it was stored, at step 0 already', async () => {
  let stored = (): void => {};
  class Saving extends FakeStudio {
    override async train(...[, , on]: Parameters<StudioCalls['train']>): Promise<RunSummary> {
      on({ kind: 'saved', step: 0 });
      await new Promise<void>((resolve) => {
        stored = resolve;
      });
      return { runId: 'mine', state: 'done', step: 1 } as RunSummary;
    }
  }
  const run = new Run(new Saving());
  const training = run.start({ runId: 'mine', settings: { keptAside: 0 } } as TrainingJob);
  expect(run.recorded).toBe(null);
  await expect.poll(() => run.recorded).toBe('mine');
  stored();
  await training;
});
