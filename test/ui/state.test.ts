// The state classes on the fake studio: photos in order with the reasons, undo, what is too small for which model, names.
import { expect, test } from 'vitest';
import { Model } from '../../src/ui/state/model.svelte.ts';
import { Naming } from '../../src/ui/state/naming.svelte.ts';
import { Photos } from '../../src/ui/state/photos.svelte.ts';
import { FakeStudio } from './fake-studio.ts';

const file = (name: string, text = name, type = 'image/png') => new File([text], name, { type });
function opened(options = {}) {
  const studio = new FakeStudio(options);
  const model = new Model(studio);
  return {
    studio,
    model,
    photos: new Photos(studio, () => 128),
    naming: new Naming(studio, () => model.opened()),
  };
}

test('photos are read in order, with the reasons they are left out for, and wait for no model', async () => {
  const { studio, photos } = opened();
  await photos.add([
    file('1.png'),
    file('1-again.png', '1.png'),
    file('small.png'),
    file('broken.jpg'),
    file('blur.png'),
  ]);
  expect(studio.calls.filter((call) => call.startsWith('openModel'))).toEqual([]);
  expect(photos.entries.map(({ name, state }) => `${name} ${state}`)).toEqual([
    '1.png ready',
    '1-again.png ready',
    'small.png ready',
    'broken.jpg unreadable',
    'blur.png ready',
  ]);
  expect(photos.inUse.map(({ name }) => name)).toEqual(['1.png', 'blur.png']);
  expect(photos.selected?.name).toBe('1.png');
});

test('what was removed comes back to its place', async () => {
  const { photos } = opened();
  await photos.add([file('a.png'), file('b.png'), file('c.png')]);
  const undo = photos.remove(photos.entries[1]!.id);
  expect(photos.all.map(({ name }) => name)).toEqual(['a.png', 'c.png']);
  await photos.add([file('d.png')]);
  undo();
  expect(photos.all.map(({ name }) => name)).toEqual(['a.png', 'b.png', 'c.png', 'd.png']);
});

test('a larger model judges the photos again; what the user decided stands while the verdict does', async () => {
  const { photos } = opened();
  await photos.add([file('a.png'), file('small.png')]); // 480 and 96 px on the short side
  const [a, small] = photos.all.map(({ id }) => id) as [string, string];
  photos.change(small, { use: true });
  photos.judge(256);
  const inUse = () => photos.inUse.map(({ name }) => name);
  expect(inUse()).toEqual(['a.png', 'small.png']);
  expect(photos.all[1]!.reading.flags).toEqual([{ kind: 'too-small', shortSide: 96, needs: 256 }]);
  photos.judge(512);
  expect(inUse()).toEqual(['small.png']);
  photos.judge(64);
  expect(inUse()).toEqual(['a.png', 'small.png']);
  expect(photos.all.flatMap(({ reading }) => reading.flags)).toEqual([]);
  photos.change(a, { use: false });
  photos.judge(64);
  expect(inUse()).toEqual(['small.png']);
});

test('an offered name never replaces what was typed meanwhile', async () => {
  const { naming } = opened({ delayMs: 1 });
  const offer = naming.offer();
  naming.identifier = 'mine';
  await offer;
  expect(naming.name).toBe('mine');
  naming.classNoun = ' toy ';
  expect(naming.prompt).toBe('a photo of mine toy');
  await naming.tokenize();
  expect(naming.report?.pieces.length).toBeGreaterThan(0);
});
