// Caption files and photos, by any names that people and trainers give them: who belongs to whom, in whatever order they come.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findMasks } from '../../src/ui/intake/masks.ts';
import { folded } from '../../src/ui/intake/paths.ts';
import { captionLines, pairCaptions } from '../../src/ui/intake/sidecars.ts';
import { Photos } from '../../src/ui/state/photos.svelte.ts';
import { FakeStudio } from './fake-studio.ts';

const pairs = (photos: string[], files: string[]): Record<string, string> => {
  const { given } = pairCaptions(
    photos.map((path) => ({ id: path, path })),
    files.map((path) => ({ path, text: path })),
  );
  return Object.fromEntries([...given].map(([id, { file }]) => [id, file.path]));
};

describe('which text is whose', () => {
  test.each([
    ['a.png', 'a.txt'],
    ['a.png', 'a.caption'],
    ['IMG_1.PNG', 'img_1.txt'],
    ['img_1.jpeg', 'IMG_1.TXT'],
    ['a.png', 'a.png.txt'],
    ['a.png', 'A.PNG.Caption'],
    ['photo.v2.png', 'photo.v2.txt'],
    ['without-ending', 'without-ending.txt'],
    ['cafe\u0301.jpg', 'CAF\u00c9.txt'], // as macOS hands it out, and as it was typed
    ['Straße.jpg', 'STRASSE.txt'],
    ['ΟΔΟΣ.jpg', 'οδος.txt'],
    ['10_ohwx man/001.png', '10_ohwx man/001.txt'],
    ['images/1.png', 'captions/1.txt'],
    ['set/1.png', '1.txt'],
  ])('%s takes %s', (photo, text) => {
    expect(pairs([photo], [text])).toEqual({ [photo]: text });
  });

  test('two folders with a 001.png do not swap their captions, and one has none rather than the other one’s', () => {
    const [a, b] = ['set/10_ohwx man/001', 'set/5_ohwx man/001'];
    expect(pairs([`${a}.png`, `${b}.png`], [`${b}.txt`, `${a}.txt`])).toEqual({
      [`${a}.png`]: `${a}.txt`,
      [`${b}.png`]: `${b}.txt`,
    });
    expect(pairs([`${a}.png`, `${b}.png`], [`${a}.txt`])).toEqual({ [`${a}.png`]: `${a}.txt` });
  });

  test('what could be meant for photos of two folders, or comes from two, is for none and is told', () => {
    const two = [
      { id: 'x', path: 'x/1.png' },
      { id: 'y', path: 'y/1.png' },
    ];
    expect(pairCaptions(two, [{ path: '1.txt', text: '' }])).toMatchObject({ loose: [{ path: '1.txt' }] });
    const from = ['a/1.txt', 'b/1.txt'].map((path) => ({ path, text: '' }));
    expect(pairCaptions([{ id: 'p', path: '1.png' }], from).loose).toHaveLength(2);
  });

  test('one text serves a photo in two formats; of two texts beside a photo the more exact is taken, the other told', () => {
    expect(pairs(['a.png', 'a.jpg'], ['a.txt'])).toEqual({ 'a.png': 'a.txt', 'a.jpg': 'a.txt' });
    const both = pairCaptions(
      [{ id: 'p', path: 'a.png' }],
      ['a.caption', 'a.txt', 'a.png.txt'].map((path) => ({ path, text: '' })),
    );
    expect(both.given.get('p')?.file.path).toBe('a.png.txt');
    expect(both.second.map(({ path }) => path).toSorted()).toEqual(['a.caption', 'a.txt']);
  });

  test('case and Unicode form never matter, for any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), (name) => {
        const forms = [name.normalize('NFC'), name.normalize('NFD'), name.toUpperCase(), name.toLowerCase()];
        for (const form of forms) expect(folded(form)).toBe(folded(name));
      }),
      { numRuns: 2000 },
    );
    // Every letter there is: those with a case are few among random strings.
    for (let code = 32; code < 0x1_f000; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const letter = String.fromCodePoint(code);
      const forms = [letter.normalize('NFD'), letter.toUpperCase(), letter.toLowerCase()];
      if (forms.some((form) => folded(form) !== folded(letter))) expect.fail(`U+${code.toString(16)} ${forms}`);
    }
  });

  test('the first line that says something is the caption, and that there are more is known', () => {
    expect(captionLines('\r\n  on a table \r\nsecond')).toEqual({ caption: 'on a table', more: true });
    expect(captionLines('red\n\n')).toEqual({ caption: 'red', more: false });
    expect(captionLines(' \n')).toEqual({ caption: '', more: false });
  });
});

const image = (name: string) => new File([name], name, { type: 'image/png' });
type Piece = { folder: string; stem: string; is: 'photo' | 'text' };
const pathOf = ({ folder, stem, is }: Piece) => `${folder}/${stem}${is === 'photo' ? '.png' : '.txt'}`;

/** Drops the pieces in these portions, never waiting for one; the captions by path once all are read. */
async function dropped(portions: Piece[][], delayMs = 0): Promise<Record<string, string>> {
  const photos = new Photos(new FakeStudio({ delayMs }), () => 128);
  let reading: Promise<void> = Promise.resolve();
  for (const portion of portions) {
    const files = new Map(
      portion.filter(({ is }) => is === 'photo').map((piece) => [image(`${piece.stem}.png`), pathOf(piece)]),
    );
    const texts = portion.filter(({ is }) => is === 'text').map(pathOf);
    reading = photos.add([...files.keys()], files);
    photos.addCaptions(texts.map((path) => ({ path, text: path })));
  }
  await reading;
  return Object.fromEntries(photos.all.map((photo) => [photo.path ?? photo.name, photo.caption]));
}

describe('texts dropped before, with or after their photos', () => {
  test('twenty photos and at once, in a second drop, their twenty texts: all twenty arrive (none did)', async () => {
    const names = Array.from({ length: 20 }, (_, n) => ({ folder: '', stem: `n${n}` }));
    const captions = await dropped(
      [names.map((name): Piece => ({ ...name, is: 'photo' })), names.map((name): Piece => ({ ...name, is: 'text' }))],
      1,
    );
    expect(Object.values(captions).filter(Boolean)).toHaveLength(20);
  });

  test('any photos and texts in any order and portions end with the captions of one drop', async () => {
    const piece = fc.record({
      folder: fc.constantFrom('a', 'b', 'c/d'),
      stem: fc.constantFrom('1', '2', '3'),
      is: fc.constantFrom<Piece['is']>('photo', 'text'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(piece, { maxLength: 10, selector: pathOf }),
        fc.array(fc.nat(3), { minLength: 10, maxLength: 10 }),
        async (pieces, when) => {
          const portions = [0, 1, 2, 3].map((n) => pieces.filter((_, at) => when[at] === n));
          expect(await dropped(portions)).toEqual(await dropped([pieces]));
        },
      ),
      { numRuns: 150 },
    );
  }, 30_000);

  test('what was typed stays, and the text that was not used is told; texts without a photo are told until it comes', async () => {
    const photos = new Photos(new FakeStudio(), () => 128);
    await photos.add([image('a.png')]);
    photos.change(photos.all[0]!.id, { caption: 'mine' });
    photos.addCaptions([
      { path: 'a.txt', text: 'theirs' },
      { path: 'b.txt', text: 'waits' },
    ]);
    expect(photos.all[0]!.caption).toBe('mine');
    expect(photos.captions.leftOut).toEqual([
      { path: 'a.txt', reason: 'caption-kept' },
      { path: 'b.txt', reason: 'no-photo' },
    ]);
    await photos.add([image('b.png')]);
    expect(photos.all[1]!.caption).toBe('waits');
    expect(photos.captions.leftOut).toEqual([{ path: 'a.txt', reason: 'caption-kept' }]);
  });

  test('a text changed and dropped again replaces what it had said; after Remove all it is not given to new photos', async () => {
    const photos = new Photos(new FakeStudio(), () => 128);
    photos.addCaptions([{ path: '1.txt', text: 'old' }]);
    await photos.add([image('1.png')]);
    photos.addCaptions([{ path: '1.txt', text: 'new' }]);
    expect(photos.all[0]!.caption).toBe('new');
    photos.addCaptions([{ path: '2.txt', text: 'of another set' }]);
    photos.clear();
    await photos.add([image('1.png'), image('2.png')]);
    expect(photos.all.map(({ caption }) => caption)).toEqual(['', '']);
  });
});

describe('masks beside their pictures', () => {
  test.each([
    [['a.png', 'a-masklabel.png'], ['a-masklabel.png']],
    [['a-MASKLABEL.PNG'], ['a-MASKLABEL.PNG']],
    [['x/a.jpg', 'x/a_mask.png', 'y/a_mask.png'], ['x/a_mask.png']],
    [['venetian_mask.jpg', 'mask.png'], []], // photos of masks
  ])('of %j %j are', (paths, masks) => {
    expect([...findMasks(paths)]).toEqual(masks);
  });

  test('they are kept aside with the reason, whichever comes first, and stay in once put back', async () => {
    for (const order of [
      ['a.png', 'a_mask.png'],
      ['a_mask.png', 'a.png'],
    ]) {
      const photos = new Photos(new FakeStudio(), () => 128);
      for (const name of order) await photos.add([image(name)]);
      const mask = photos.all.find(({ name }) => name === 'a_mask.png')!;
      expect(photos.inUse.map(({ name }) => name)).toEqual(['a.png']);
      expect(mask.reading.flags[0]).toEqual({ kind: 'mask' });
      photos.change(mask.id, { use: true });
      await photos.add([image('other.png')]);
      expect(photos.inUse.map(({ name }) => name)).toContain('a_mask.png');
    }
  });
});
