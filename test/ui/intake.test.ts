// Files of every kind, dropped on every screen: what each is by its bytes, where it goes, and that nothing is left out without a word.
import { describe, expect, test } from 'vitest';
import { type FileKind, fileKinds } from '../../src/files/file-kind.ts';
import { type LeftOut, sortDrop } from '../../src/ui/intake/sort-drop.ts';
import { en } from '../../src/ui/messages.ts';
import type { Darkroom } from '../../src/ui/state/darkroom.svelte.ts';
import { Intake, mostPhotos } from '../../src/ui/state/intake.svelte.ts';
import { Photos } from '../../src/ui/state/photos.svelte.ts';
import { FakeStudio } from './fake-studio.ts';

const latin1 = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
const safetensors = (...names: string[]) => {
  const header = JSON.stringify(
    Object.fromEntries(names.map((name) => [name, { dtype: 'F16', shape: [0], data_offsets: [0, 0] }])),
  );
  return latin1(`${String.fromCharCode(header.length & 255, header.length >> 8)}\0\0\0\0\0\0${header}`);
};
const png = latin1('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0');
const jpeg = latin1('\xff\xd8\xff\xe0\0\x10JFIF\0');
const heic = latin1('\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat');
const raw = latin1(`II*\0${'\0'.repeat(3000)}`);
const zip = latin1(`PK\x03\x04${'\0'.repeat(3000)}`);
const checkpoint = safetensors('model.diffusion_model.input_blocks.0.0.weight');
const lora = safetensors('lora_unet_down_blocks_0_attentions_0.lora_down.weight');
const file = (path: string, bytes: Uint8Array<ArrayBuffer> | string) => ({
  path,
  file: new File([bytes], path.split('/').at(-1)!),
});

describe('what a file is: the bytes decide, the name only where they cannot', () => {
  test.each<[string, Uint8Array<ArrayBuffer> | string, FileKind['kind'], string]>([
    ['a.jpg', jpeg, 'photo', 'JPEG'],
    ['a', jpeg, 'photo', 'JPEG'], // without an ending
    ['a.txt', jpeg, 'photo', 'JPEG'],
    ['IMG_1.jpg', heic, 'photo', 'HEIC'],
    ['scan.jpg', raw, 'photo', 'TIFF'],
    ['x.dng', raw, 'raw', 'DNG'],
    ['x.NEF', raw, 'raw', 'NEF'],
    ['y.zip', zip, 'archive', 'ZIP'],
    ['y.jpg', zip, 'archive', 'ZIP'],
    ['clip', latin1('\0\0\0\x14ftypqt  \0\0\0\0qt  \0\0\0\x08mdat'), 'video', 'MOV'],
    ['clip.png', latin1('\0\0\0\x18ftypisom\0\0\0\0mif1heic\0\0\0\x08mdat'), 'video', 'MP4'],
    ['paper', latin1('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n'), 'document', 'PDF'],
    ['page.png', '<!doctype html><title>Not found</title>', 'document', 'HTML'],
    ['drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'photo', 'SVG'],
    ['a.txt', 'a red house', 'caption', ''],
    ['a.CAPTION', 'BMW parked by the lake', 'caption', ''], // BM begins a bitmap
    ['readme', 'BMW parked by the lake', 'text', ''],
    ['novel.txt', 'x'.repeat(70_000), 'text', ''],
    ['settings.json', '{"steps": 100}', 'json', ''],
    ['config', '{\n  "steps": 100}', 'json', ''],
    ['dream.safetensors', checkpoint, 'model', 'safetensors'],
    ['0001', checkpoint, 'model', 'safetensors'], // as a cache names its files
    ['style.safetensors', lora, 'lora', 'safetensors'],
    ['old.ckpt', zip, 'model', 'ZIP'],
    ['a.png', '', 'empty', ''],
    ['noise.bin', latin1('\x07\x01\x99\xfe\0\x13'), 'other', ''],
  ])('%s', async (name, bytes, kind, format) => {
    const [found] = await fileKinds([{ name, file: new Blob([bytes]) }]);
    expect(found).toMatchObject({ kind, format });
  });

  test('a file that can no longer be read is told as gone, and the others are looked at', async () => {
    const broken = Object.assign(new Blob(['x']), {
      slice: () => ({ arrayBuffer: () => Promise.reject(new Error()) }),
    });
    const kinds = await fileKinds([
      { name: 'a.png', file: broken },
      { name: 'b.png', file: new Blob([png]) },
    ]);
    expect(kinds.map(({ kind }) => kind)).toEqual(['gone', 'photo']);
  });
});

const sorted = async (...files: ReturnType<typeof file>[]) =>
  sortDrop(files, await fileKinds(files.map((one) => ({ name: one.path, file: one.file }))));
const paths = (files: { path: string }[]) => files.map(({ path }) => path);

describe('where each goes', () => {
  test('nothing is lost: every file is somewhere, once', async () => {
    const files = [
      file('set/1.png', png),
      file('set/1.txt', 'a caption'),
      file('x.dng', raw),
      file('y.zip', zip),
      file('letter.png', 'a letter'),
      file('notes.md', 'notes'),
      file('settings.json', '{}'),
      file('a.safetensors', lora),
      file('b.safetensors', lora),
      file('void.jpg', ''),
    ];
    const { photos, captions, model, lora: first, leftOut } = await sorted(...files);
    expect(paths(photos)).toEqual(['set/1.png', 'letter.png']);
    expect(captions).toEqual([{ path: 'set/1.txt', text: 'a caption' }]);
    expect(first?.path).toBe('a.safetensors');
    expect(model).toEqual([]);
    expect(leftOut).toEqual<LeftOut[]>([
      { path: 'x.dng', reason: 'raw' },
      { path: 'y.zip', reason: 'archive' },
      { path: 'notes.md', reason: 'text' },
      { path: 'settings.json', reason: 'settings' },
      { path: 'b.safetensors', reason: 'one-lora' },
      { path: 'void.jpg', reason: 'empty' },
    ]);
  });

  test('a diffusers folder goes together, its texts and example pictures too; photos beside it are photos', async () => {
    const folder = ['model_index.json', 'unet/config.json', 'tokenizer/merges.txt'].map((path) =>
      file(`m/${path}`, '{}'),
    );
    const { model, photos, leftOut } = await sorted(
      ...folder,
      file('m/unet/weights.safetensors', checkpoint),
      file('m/example.png', png),
      file('mine.png', png),
    );
    expect(model).toHaveLength(5);
    expect(paths(photos)).toEqual(['mine.png']);
    expect(leftOut).toEqual([]);
  });

  test('one checkpoint among photos and their captions is the only thing that is taken for a model', async () => {
    const { model, photos, captions } = await sorted(
      file('all/1.png', png),
      file('all/1.txt', 'one'),
      file('all/dream.safetensors', checkpoint),
    );
    expect([paths(model), paths(photos), paths(captions)]).toEqual([
      ['all/dream.safetensors'],
      ['all/1.png'],
      ['all/1.txt'],
    ]);
  });

  test('what is only called weights goes to the worker, which says what it is', async () => {
    expect(paths((await sorted(file('dream.safetensors', '<html>Sign in</html>'))).model)).toEqual([
      'dream.safetensors',
    ]);
  });

  test('every reason has its sentence', () => {
    for (const words of Object.values(en.intake.reasons)) expect(words).toMatch(/^[A-Z].*\.$/);
  });
});

/** The parts of the page that a drop reaches. */
function page(screen: string, { training = false } = {}) {
  const studio = new FakeStudio();
  const seen = { toasts: [] as string[], said: [] as string[], models: [] as string[][], loras: [] as string[] };
  const route = {
    screen,
    go(to: string) {
      route.screen = to;
    },
  };
  const app = {
    t: en,
    studio,
    route,
    run: { live: training },
    photos: new Photos(studio, () => 128),
    toasts: { show: (text: string) => seen.toasts.push(text) },
    announcements: { say: (text: string) => seen.said.push(text) },
    models: {},
    transfers: {
      current: null,
      take: async (files: { path: string }[]) => {
        seen.models.push(paths(files));
        return null;
      },
    },
    compare: { read: async ({ name }: File) => void seen.loras.push(name) },
  };
  return { app, seen, route, intake: new Intake(app as unknown as Darkroom) };
}
const settled = (app: { photos: Photos }) => expect.poll(() => app.photos.waiting).toBe(0);

describe('a drop on any screen', () => {
  test.each(['model', 'photos', 'name', 'train', 'compare'])('%s: each thing goes to its own', async (screen) => {
    const photos = page(screen);
    await photos.intake.take([file('1.png', png).file, file('1.txt', 'a caption').file]);
    await settled(photos.app);
    expect(photos.route.screen).toBe('photos');
    expect(photos.app.photos.all.map(({ caption }) => caption)).toEqual(['a caption']);

    const model = page(screen);
    await model.intake.take([file('dream.safetensors', checkpoint).file]);
    expect([model.route.screen, model.seen.models]).toEqual(['model', [['dream.safetensors']]]);

    const adapter = page(screen);
    await adapter.intake.take([file('style.safetensors', lora).file]);
    expect([adapter.route.screen, adapter.seen.loras]).toEqual(['compare', ['style.safetensors']]);

    const nothing = page(screen);
    await nothing.intake.take([file('x.dng', raw).file, file('y.zip', zip).file]);
    expect(nothing.route.screen).toBe(screen);
    expect(nothing.intake.leftOut).toEqual([
      { path: 'x.dng', reason: 'raw' },
      { path: 'y.zip', reason: 'archive' },
    ]);
  });

  test('while a run is watched the screen stays, and where the photos went is said', async () => {
    const { app, seen, route, intake } = page('train', { training: true });
    await intake.take([file('1.png', png).file]);
    await settled(app);
    expect(route.screen).toBe('train');
    expect(seen.toasts).toEqual([en.intake.photosAdded(1, 0, true)]);
    expect(app.photos.all).toHaveLength(1);
  });

  test('who has gone on to another screen before the drop is sorted stays there, and is told (was: pulled back to Photos)', async () => {
    const { app, seen, route, intake } = page('photos');
    const sorted = intake.take([file('1.png', png).file]);
    route.go('name');
    await sorted;
    await settled(app);
    expect(route.screen).toBe('name');
    expect(seen.toasts).toEqual([en.intake.photosAdded(1, 0, false)]);
    expect(app.photos.all).toHaveLength(1);
  });

  test('photos and, without waiting, their texts in a second drop; a LoRA beside them is opened and said', async () => {
    const { app, seen, route, intake } = page('name');
    const names = Array.from({ length: 20 }, (_, n) => `n${n}`);
    const first = intake.take(names.map((name) => file(`${name}.png`, png).file));
    const second = intake.take([
      ...names.map((name) => file(`${name}.txt`, name).file),
      file('s.safetensors', lora).file,
    ]);
    await Promise.all([first, second]);
    await settled(app);
    expect(app.photos.all.map(({ caption }) => caption)).toEqual(names);
    expect(intake.leftOut).toEqual([]);
    expect(seen.loras).toEqual(['s.safetensors']);
    expect(route.screen).toBe('photos');
  });

  test(`the ${mostPhotos + 1}st photo is left out by name; closing the list empties it`, async () => {
    const { app, intake } = page('photos');
    await intake.take(Array.from({ length: mostPhotos + 1 }, (_, n) => file(`${n}.png`, png).file));
    expect(app.photos.entries).toHaveLength(mostPhotos);
    expect(intake.leftOut).toEqual([{ path: `${mostPhotos}.png`, reason: 'limit' }]);
    intake.close();
    expect(intake.leftOut).toEqual([]);
    app.photos.clear();
  });

  test('a worker that does not answer costs a sentence, and the next drop is taken', async () => {
    const { app, intake } = page('photos');
    const { recognise } = app.studio;
    app.studio.recognise = () => Promise.reject(new Error('broken'));
    await intake.take([file('notes', 'x').file]);
    expect(intake.leftOut).toEqual([{ path: 'notes', reason: 'gone' }]);
    app.studio.recognise = recognise;
    await intake.take([file('1.png', png).file]);
    expect(app.photos.entries).toHaveLength(1);
  });
});
