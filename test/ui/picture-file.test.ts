// A drawn picture as a file: it says by what it was drawn, and dropped back on Compare it restores that; other programs' say what is not here.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { fileKind } from '../../src/files/file-kind.ts';
import { pictureFile, restorePicture } from '../../src/ui/compare/picture-file.ts';
import { Compare } from '../../src/ui/state/compare.svelte.ts';
import type { AdapterInfo, Picture } from '../../src/worker/api.ts';
import { readPictureText } from '../../src/worker/client.ts';
import { FakeStudio } from './fake-studio.ts';

const adapter = (adapterId: string, identifier: string): AdapterInfo => ({
  ...{ adapterId, name: identifier, identifier, classNoun: 'figurine', modelId: 'demo', rank: 4, moments: [200, 400] },
  ...{ bestStep: 400, createdAt: 0, fileBytes: { kohya: 1, diffusers: 1 } },
});
const adapters = [adapter('a', 'aawxbc'), adapter('b', 'uvhhhl')];
const png = new Blob([new Uint8Array(readFileSync('test/fixtures/plain.png'))]);
const picture: Picture = {
  ...{ kind: 'full', png, width: 128, height: 128, ms: 1 },
  request: {
    ...{ prompt: 'uvhhhl figurine, (rain:1.2)', negativePrompt: 'blurry', seed: 7, sampler: 'euler-a', steps: 12 },
    ...{ guidance: 5.5, clipSkip: 2, adapterId: 'b', moment: 200, strength: 0.85, size: 128, weights: 'f16' },
    beside: [{ adapterId: 'a', moment: null, strength: 0.5 }],
  },
};
class Shelf extends FakeStudio {
  override async adapters() {
    return adapters;
  }
}
async function compared(): Promise<Compare> {
  const compare = new Compare(
    new Shelf(),
    () => ({ size: 128, weights: 'f16' }),
    async () => {},
  );
  await compare.list();
  compare.open(adapters[0]!);
  return compare;
}
const readBack = async (name: string, blob: Blob) => readPictureText((await fileKind(name, blob)).text ?? '');

test('what was saved restores prompt, settings, adapter, moment and strength', async () => {
  const { name, blob } = await pictureFile(picture, adapters, 'Demo model');
  expect(name).toBe('uvhhhl-figurine-s200-7.png');
  const compare = await compared();
  const read = await readBack(name, blob);
  expect(read?.loras.map((one) => one.name)).toEqual(['uvhhhl-figurine-s200', 'aawxbc-figurine']);
  expect(restorePicture(compare, read!)).toEqual({ sampler: null, loras: ['aawxbc-figurine'] });
  const { prompt, negativePrompt, seed, sampler, steps, guidance, clipSkip } = picture.request;
  expect(compare).toMatchObject({
    prompt,
    negativePrompt,
    seed,
    sampler,
    steps,
    guidance,
    clipSkip,
    moment: 200,
    strength: 0.85,
  });
  expect(compare.adapter?.adapterId).toBe('b');
  await compare.draw();
  expect(compare.request(1)).toMatchObject({ clipSkip });
});

test('an adapter that was trained with CLIP skip 2 is drawn so, another one whole again', async () => {
  const compare = await compared();
  compare.open({ ...adapter('c', 'drawn'), clipSkip: 2 });
  await compare.draw();
  expect(compare.request(1)?.clipSkip).toBe(2);
  compare.open(adapters[0]!);
  await compare.draw();
  expect(compare.request(1)).not.toHaveProperty('clipSkip'); // as pictures of before were asked for
});

test('a picture without says so, and leaves the adapter on screen', async () => {
  const request = { ...picture.request, adapterId: null, moment: null, strength: 0, beside: undefined };
  const { name, blob } = await pictureFile({ ...picture, request }, adapters, 'Demo model');
  expect(name).toBe('without-7.png');
  const compare = await compared();
  expect(restorePicture(compare, (await readBack(name, blob))!).loras).toEqual([]);
  expect([compare.adapter?.adapterId, compare.strength]).toEqual(['a', 1]);
});

test('A1111’s own: what is not here is named, numbers out of range are left alone', async () => {
  const compare = await compared();
  const read = readPictureText(
    'a cat <lora:other:0.7>\nSteps: 900, Sampler: Heun, CFG scale: -3, Seed: 5, Size: 512x768, Model: v1-5',
  );
  const { steps, guidance, sampler } = compare;
  expect(restorePicture(compare, read!)).toEqual({ sampler: 'Heun', loras: ['other'] });
  expect(compare).toMatchObject({ prompt: 'a cat', seed: 5, steps, guidance, sampler });
});
