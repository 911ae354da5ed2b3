// The state classes on the fake studio: photos in order with the reasons, undo, captions, the model they wait for, names, the kept project.
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
    photos: new Photos(studio, () => model.opened()),
    naming: new Naming(studio, () => model.opened()),
  };
}

test('photos are read in order, once a model is open, with the reasons they are left out for', async () => {
  const { studio, model, photos } = opened();
  await photos.add([
    file('1.png'),
    file('1-again.png', '1.png'),
    file('small.png'),
    file('broken.jpg'),
    file('blur.png'),
    file('notes.md', '', 'text/markdown'),
  ]);
  expect(studio.calls[0]).toBe('openModel demo');
  expect(model.ready).toBe(true);
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

test('a text file beside a photo is its caption, also when it comes later', async () => {
  const { photos } = opened();
  await photos.add([file('a.png'), file('a.txt', ' on a rock \n', 'text/plain'), file('b.png')]);
  await photos.add([file('b.txt', 'by the sea', 'text/plain')]);
  expect(photos.all.map(({ caption }) => caption)).toEqual(['on a rock', 'by the sea']);
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

test('photos wait for a model that fails until it is opened again', async () => {
  const { model, photos } = opened({ modelFails: true });
  void photos.add([file('a.png')]);
  await expect.poll(() => model.trouble?.code).toBe('file-damaged');
  expect(photos.waiting).toBe(1);
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
