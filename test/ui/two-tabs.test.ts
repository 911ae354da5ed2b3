// One project in several tabs: whatever they do in whatever order, nothing that was added is missing, what was removed stays away, all end alike.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TrainEvent } from '../../src/worker/api.ts';
import { browser, type Tab } from './tabs.ts';

const file = (name: string) => new File([`bytes of ${name}`], name, { type: 'image/png' });
const names = ({ photos }: Tab) => photos.all.map(({ name }) => name);
const idOf = (tab: Tab, name: string) => tab.photos.all.find((photo) => photo.name === name)!.id;

test('a tab that is open and untouched, its made-up name offered, saves nothing (was: its empty project over the other tab’s photos)', async () => {
  const chrome = browser();
  const [a, b] = [await chrome.open(), await chrome.open()];
  await a.photos.add([file('1.png'), file('2.png')]);
  await a.project.flush();
  await b.naming.offer(); // opens the demo model by itself, too
  expect(b.naming.name).not.toBe('');
  await b.project.flush();
  expect(b.studio.saves).toBe(0);
  await b.hear();
  await b.project.flush();
  expect(b.studio.saves).toBe(0);
  expect(names(b)).toEqual(['1.png', '2.png']);
  expect(names(await chrome.open())).toEqual(['1.png', '2.png']);
});

test('a caption written in one tab takes nothing from what another has added since (was: those photos were gone)', async () => {
  const chrome = browser();
  const a = await chrome.open();
  await a.photos.add([file('1.png')]);
  await a.project.flush();
  const b = await chrome.open();
  await a.photos.add([file('2.png')]);
  a.naming.classNoun = 'toy';
  await a.project.flush();
  b.photos.change(idOf(b, '1.png'), { caption: 'on a rock' });
  await b.project.flush(); // nothing was heard of a's
  expect(names(b)).toEqual(['1.png', '2.png']);
  expect(b.naming.noun).toBe('toy');
  await a.hear();
  expect(a.photos.all.map(({ caption }) => caption)).toEqual(['on a rock', '']);
  const stored = (await chrome.store.load())!;
  expect(await Promise.all(stored.photos.map((photo) => photo.file.text()))).toEqual([
    'bytes of 1.png',
    'bytes of 2.png',
  ]);
});

test('what is typed here and not saved yet stays when another tab is heard of', async () => {
  const chrome = browser();
  const [a, b] = [await chrome.open(), await chrome.open()];
  b.naming.identifier = 'half a na';
  await b.photos.add([file('b.png')]);
  await a.photos.add([file('a.png')]);
  a.naming.classNoun = 'toy';
  await a.project.flush();
  await b.hear();
  expect([b.naming.identifier, b.naming.classNoun]).toEqual(['half a na', 'toy']);
  expect(names(b)).toEqual(['a.png', 'b.png']);
  await b.project.flush();
  await a.hear();
  expect(a.project.snapshot).toEqual(b.project.snapshot);
});

test('the model that one tab chooses is the other’s too, unless it has a run on screen; neither saves it back', async () => {
  const chrome = browser();
  const [a, looking, training] = [await chrome.open(), await chrome.open(), await chrome.open()];
  await looking.naming.offer(); // has opened the demo model by itself
  training.model.choose('demo');
  await training.project.flush();
  await training.run.show({ runId: 'run', step: 3, state: 'done', settings: {}, losses: [], heldOut: [] } as never);
  await training.project.flush();
  await a.hear();
  a.model.choose('sd15');
  await a.project.flush();
  for (const tab of [looking, training]) {
    const { saves } = tab.studio;
    await tab.hear();
    await tab.project.flush();
    expect(tab.studio.saves).toBe(saves);
  }
  expect([looking.model.chosen, training.model.chosen]).toEqual(['sd15', 'demo']);
  expect((await chrome.store.load())!.modelId).toBe('sd15');
});

test('undoing a removal puts back that photo and nothing that another tab removed meanwhile', async () => {
  const chrome = browser();
  const a = await chrome.open();
  await a.photos.add([file('1.png'), file('2.png'), file('3.png')]);
  await a.project.flush();
  const b = await chrome.open();
  const undo = a.photos.remove(idOf(a, '2.png'));
  await a.project.flush();
  b.photos.remove(idOf(b, '1.png'));
  await b.project.flush();
  await a.hear();
  undo();
  await a.project.flush();
  await b.hear();
  expect(names(a)).toEqual(['2.png', '3.png']);
  expect(names(b)).toEqual(['2.png', '3.png']);
  expect(await (await chrome.store.load())!.photos[0]!.file.text()).toBe('bytes of 2.png');
});

test('a run that goes on in a tab is the project’s again though another tab put it away; a paused one stays away', async () => {
  const chrome = browser();
  const a = await chrome.open();
  let say: (event: TrainEvent) => void = () => {};
  a.studio.train = (_signal, _job, on) => {
    say = on;
    return new Promise(() => {});
  };
  const told = async (...events: TrainEvent[]) => {
    for (const event of events) say(event);
    await new Promise((wake) => setTimeout(wake, 300)); // shown four times a second
    await a.project.flush();
  };
  const step = (n: number): TrainEvent => ({
    ...{ kind: 'step', step: n, loss: 1, learningRate: 1 },
    ...{ gradientNorm: 1, msPerStep: 1, msLeft: 1 },
  });
  const stored = async () => (await chrome.store.load())?.runId ?? null;
  void a.run.start({ runId: 'run', modelId: 'demo', photos: [], settings: { steps: 9 } } as never);
  await told(step(1));
  expect(await stored()).toBe(null); // nothing of it is kept that a reload could bring back
  await told({ kind: 'saved', step: 1 });
  expect(await stored()).toBe('run');

  const b = await chrome.open();
  const putAway = async () => {
    await b.hear();
    b.run.leave();
    await b.project.flush();
    expect(await stored()).toBe(null);
    await a.hear();
  };
  await putAway();
  await told(step(2));
  expect(await stored()).toBe('run');
  await told({ kind: 'paused', step: 2 });
  await putAway();
  await told();
  expect(await stored()).toBe(null);
  await told({ kind: 'resumed', step: 2 }, step(3));
  expect(await stored()).toBe('run');
});

type Op =
  | {
      do: 'add' | 'add while saving' | 'remove' | 'undo' | 'caption' | 'name' | 'save' | 'hear' | 'reload';
      tab: number;
      at: number;
    }
  | { do: 'all save at once' };
const ops = (tabs: number): fc.Arbitrary<Op[]> =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: opOfTab(tabs) },
      { weight: 1, arbitrary: fc.constant<Op>({ do: 'all save at once' }) },
    ),
    { maxLength: 40, size: 'max' },
  );
const kinds = [
  ...(['add', 'add', 'add while saving', 'remove', 'undo', 'caption', 'caption', 'name'] as const),
  ...(['save', 'save', 'hear', 'reload'] as const),
];
const opOfTab = (tabs: number): fc.Arbitrary<Op> =>
  fc.record({
    do: fc.constantFrom(...kinds),
    tab: fc.nat(tabs - 1),
    at: fc.nat(6),
  });

/** What a user at one of the tabs did since it was last saved there. */
interface Doing {
  added: Set<string>;
  removed: Set<string>;
  captions: Map<string, string>;
  name: string | null;
  undo: (() => void) | null;
  undone: string[];
}
const nothingDone = (): Doing => ({
  ...{ added: new Set(), removed: new Set(), captions: new Map(), name: null, undo: null, undone: [] },
});

test.each([2, 3])(
  'with %i tabs, in any order of edits, saves and reloads',
  async (count) => {
    await fc.assert(
      fc.asyncProperty(ops(count), async (steps) => {
        const chrome = browser();
        const tabs: Tab[] = [];
        for (let n = 0; n < count; n++) tabs.push(await chrome.open());
        const doing = tabs.map(nothingDone);
        const touched = new Set<Tab>();
        const added = new Set<string>(); // and saved
        const gone = new Set<string>(); // removed, and saved
        const everRemoved = new Set<string>(); // by anybody, saved or not
        const everUndone = new Set<string>();
        const captions = new Map<string, string[]>(); // that may stand in the end
        let identifiers = [''];
        let fresh = 0;

        const saved = (done: Doing[]) => {
          for (const { added: ids } of done) for (const id of ids) added.add(id);
          for (const { removed } of done) for (const id of removed) gone.add(id);
          const named = done.flatMap(({ name }) => name ?? []);
          if (named.length > 0) identifiers = named;
          for (const id of new Set(done.flatMap((one) => [...one.captions.keys()])))
            captions.set(
              id,
              done.flatMap((one) => one.captions.get(id) ?? []),
            );
        };
        const save = async (which: number[]) => {
          await Promise.all(which.map((n) => tabs[n]!.project.flush()));
          for (const n of which) expect(tabs[n]!.project.trouble).toBe(null);
          saved(which.map((n) => doing[n]!));
          for (const n of which) doing[n] = { ...nothingDone(), undo: doing[n]!.undo, undone: doing[n]!.undone };
        };

        for (const step of steps) {
          if (step.do === 'all save at once') {
            await save(tabs.map((_, n) => n));
            continue;
          }
          const tab = tabs[step.tab]!;
          const mine = doing[step.tab]!;
          const { all } = tab.photos;
          const photo = all[step.at % Math.max(1, all.length)];
          if (step.do === 'save') await save([step.tab]);
          else if (step.do === 'add while saving') {
            const saving = save([step.tab]);
            for (let n = 0; n < step.at; n++) await new Promise(setImmediate); // somewhere in the middle of it
            await tab.photos.add([file(`${fresh++}.png`)]);
            const { id } = tab.photos.all.at(-1)!;
            await saving;
            doing[step.tab]!.added.add(id);
          } else if (step.do === 'hear') await tab.hear();
          else if (step.do === 'reload') {
            chrome.close(tab);
            tabs[step.tab] = await chrome.open();
            if (touched.has(tab)) touched.add(tabs[step.tab]!);
            doing[step.tab] = nothingDone(); // what was not saved is lost, and nobody was told that it is kept
          } else if (step.do === 'add') {
            await tab.photos.add([file(`${fresh++}.png`)]);
            mine.added.add(tab.photos.all.at(-1)!.id);
          } else if (step.do === 'name') {
            tab.naming.identifier = `name ${fresh++}`;
            mine.name = tab.naming.identifier;
          } else if (step.do === 'undo') {
            for (const id of mine.undo ? mine.undone : []) {
              everUndone.add(id);
              gone.delete(id);
              mine.removed.delete(id);
            }
            mine.undo?.();
            mine.undo = null;
          } else if (photo && step.do === 'remove') {
            mine.undo = tab.photos.remove(photo.id);
            mine.undone = [photo.id];
            mine.added.delete(photo.id);
            mine.captions.delete(photo.id);
            mine.removed.add(photo.id);
            everRemoved.add(photo.id);
          } else if (photo && step.do === 'caption') {
            const caption = `caption ${fresh++}`;
            tab.photos.change(photo.id, { caption });
            mine.captions.set(photo.id, caption);
          }
          if (!['save', 'hear', 'reload'].includes(step.do)) touched.add(tab);
        }
        for (let n = 0; n < count; n++) await save([n]);
        for (const tab of tabs) await tab.hear();

        for (const tab of tabs) if (!touched.has(tab)) expect(tab.studio.saves).toBe(0);
        const [first, ...others] = [...tabs, await chrome.open()].map(({ project }) => project.snapshot);
        for (const other of others) expect(other).toEqual(first);
        const here = new Map(first!.photos.map((one) => [one.id, one]));
        expect(here.size).toBe(first!.photos.length);
        // Only what a reload found half read is said to be missing.
        for (const { trouble } of first!.unreadable) expect(trouble.facts).toMatchObject({ reason: 'unread' });
        for (const id of added) if (!everRemoved.has(id)) expect(here.has(id), `${id} was added`).toBe(true);
        for (const id of gone) if (!everUndone.has(id)) expect(here.has(id), `${id} was removed`).toBe(false);
        for (const [id, one] of here) {
          expect(await one.file.text()).toBe(`bytes of ${one.name}`);
          expect(await one.reading.thumbnail.text()).toBe(`thumb ${one.name}`);
          if (!everUndone.has(id)) expect(captions.get(id) ?? ['']).toContain(one.caption);
        }
        expect(identifiers).toContain(first!.identifier);
      }),
      { numRuns: 60 },
    );
  },
  120_000,
);
