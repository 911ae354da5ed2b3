// Files of adapters as the shelf hands them out: which model they name, whatever is open by then; images and steps of the moment; two layouts, two names.
import { describe, expect, it } from 'vitest';
import type { BaseModel } from '../../src/adapter/base-model.ts';
import { writeKohya } from '../../src/adapter/write.ts';
import { readSafetensors } from '../../src/files/safetensors.ts';
import type { RunSummary } from '../../src/training/run-summary.ts';
import { adapterShelf } from '../../src/worker/adapter-shelf.ts';
import { earlierBase } from '../../src/worker/earlier-base.ts';
import { modules, weightsOf } from '../adapter/small-lora.ts';
import { ldmGolden } from '../files/ldm-golden.ts';
import { settings } from '../training/toy-run.ts';
import { memoryAdapters } from './memory-stores.ts';

const sd2: BaseModel = { name: 'dreamy', family: 'sd2', predictionType: 'v_prediction' };
const stored = (more: object = {}) => ({
  ...{
    adapterId: 'a',
    name: 'aawxbc-toy',
    identifier: 'aawxbc',
    classNoun: 'toy',
    modelId: 'own-1',
    rank: 4,
    alpha: 2,
  },
  ...{ moments: [5, 12], bestStep: 12, createdAt: 0, fileBytes: { kohya: 1, diffusers: 1 }, photos: 7 },
  run: {
    identifier: 'aawxbc',
    classNoun: 'toy',
    settings: { ...settings, rank: 4, keptAside: 2, steps: 12 },
  } as RunSummary,
  ...more,
});
async function shelfWith(more: object, baseOf?: Parameters<typeof adapterShelf>[1]) {
  const store = memoryAdapters();
  await store.save(stored(more));
  for (const step of [0, 5, 12]) await store.saveMoment('a', step, weightsOf(4));
  const shelf = adapterShelf(store, baseOf);
  const file = async (moment: number | null, layout: 'kohya' | 'diffusers') => {
    const { name, bytes } = await shelf.file('a', moment, layout);
    return { name, says: { ...(await readSafetensors(bytes, name)).metadata } as Record<string, string> };
  };
  return { store, shelf, file };
}
const never = async (): Promise<BaseModel | null> => {
  throw new Error('asked for a base that is kept');
};

describe('a file', () => {
  it.each(['kohya', 'diffusers'] as const)(
    '%s: names the model it was trained on, the images learned from, the moment’s step',
    async (layout) => {
      const { file } = await shelfWith({ base: sd2 }, never);
      for (const [moment, step] of [
        [5, '5'],
        [12, '12'],
        [null, '12'],
      ] as const)
        expect((await file(moment, layout)).says).toMatchObject({
          ss_v2: 'True',
          ss_base_model_version: 'sd_v2_v',
          ss_sd_model_name: 'dreamy',
          'modelspec.architecture': 'stable-diffusion-v2-768-v/lora',
          'modelspec.prediction_type': 'v',
          'modelspec.description': 'Trained with Darkroom on dreamy.',
          ss_num_train_images: '5', // two of the seven were kept aside
          ss_steps: step,
        });
    },
  );

  it('kept aside is never all: one photo is learned from', async () => {
    const { file } = await shelfWith({ base: sd2, photos: 1 });
    expect((await file(null, 'kohya')).says.ss_num_train_images).toBe('1');
  });

  it('of one layout does not take the other’s place among the downloads (was: one name for both)', async () => {
    const { file } = await shelfWith({ base: sd2 });
    expect((await file(null, 'kohya')).name).toBe('aawxbc-toy.safetensors');
    expect((await file(null, 'diffusers')).name).toBe('aawxbc-toy.diffusers.safetensors');
    expect((await file(5, 'diffusers')).name).toBe('aawxbc-toy-s5.diffusers.safetensors');
    expect((await file(null, 'diffusers')).says.format).toBe('pt');
    expect((await file(null, 'diffusers')).says.ss_network_alpha).toBeUndefined(); // it is folded in
  });

  it('that somebody else made keeps what it said of its base', async () => {
    const said = { ss_base_model_version: 'sd_v2', ss_v2: 'True', ss_sd_model_name: 'theirs.safetensors' };
    const { store, shelf, file } = await shelfWith({});
    const theirs = await writeKohya(
      weightsOf(4),
      modules,
      { rank: 4, alpha: 4 },
      { ...said, ss_dataset_dirs: '/home/they' },
    );
    const { adapterId } = await shelf.take('x.safetensors', new Blob([theirs]), () => ({ id: 'own-1', modules }));
    await store.save({ ...(await store.load(adapterId))!, adapterId: 'a' });
    expect((await file(0, 'kohya')).says).toMatchObject({ ...said, ss_network_dim: '4', ss_network_alpha: '4' });
    expect((await file(0, 'kohya')).says.ss_dataset_dirs).toBeUndefined();
    expect((await file(0, 'diffusers')).says).toEqual({ format: 'pt', ...said });
  });
});

describe('several adapters', () => {
  const choice = (adapterId: string, strength: number) => ({ adapterId, moment: null, strength });
  const two = async () => {
    const { store, shelf } = await shelfWith({ base: sd2 });
    await store.save(
      stored({ adapterId: 'b', identifier: 'bbxyz', classNoun: 'dog', name: 'bbxyz-dog', moments: [3], bestStep: 3 }),
    );
    await store.saveMoment('b', 3, weightsOf(4));
    return { store, shelf };
  };

  it('asked for together come as one, their strengths in it; one alone is scaled while it is drawn', async () => {
    const { shelf } = await two();
    const one = await shelf.asked(choice('a', 0.5));
    expect(one).toMatchObject({ strength: 0.5, adapter: { key: 'a 12', rank: 4, alpha: 2 } });
    const both = await shelf.asked({ ...choice('a', 0.5), beside: [choice('b', -0.3)] });
    expect(both).toMatchObject({ strength: 1, adapter: { key: 'a 12 0.5 + b 3 -0.3', rank: 8, alpha: 8 } });
    expect((await shelf.asked({ ...choice('a', 0), beside: [choice('b', 1)] })).adapter?.key).toBe('b 3');
    expect(await shelf.asked({ ...choice('a', 0), adapterId: null })).toEqual({ adapter: null, strength: 0 });
  });

  it('merged are an adapter like any other, which names the model they were trained on', async () => {
    const { shelf } = await two();
    const info = await shelf.merge([choice('a', 0.5), choice('b', 1)]);
    expect(info).toMatchObject({
      rank: 8,
      identifier: 'aawxbc toy',
      classNoun: 'bbxyz dog',
      modelId: 'own-1',
      moments: [0],
    });
    const { name, bytes } = await shelf.file(info.adapterId, null, 'kohya');
    expect(name).toBe('aawxbc-toy-bbxyz-dog.safetensors');
    const { metadata } = await readSafetensors(bytes, name);
    expect(metadata).toMatchObject({ ss_base_model_version: 'sd_v2_v', ss_network_dim: '8' });
  });

  it('of different models are refused', async () => {
    const { store, shelf } = await two();
    await store.save(stored({ adapterId: 'b', modelId: 'demo', moments: [3], bestStep: 3 }));
    await expect(shelf.merge([choice('a', 1), choice('b', 1)])).rejects.toMatchObject({ code: 'adapter-mismatch' });
  });
});

describe('an adapter stored before its base was kept', () => {
  const files = (scheduler: object, unet: object) => ({
    open: async (_: AbortSignal, id: string) => ({
      info: { id, name: 'mine', bytes: 1, source: '', licence: '', version: '' },
      json: async (path: string) => (path.startsWith('unet') ? unet : scheduler),
      text: () => Promise.reject(new Error('not asked')),
      tensors: () => Promise.reject(new Error('not asked')),
    }),
  });
  const gone = { open: () => Promise.reject(new Error('it was deleted')) };
  const narrow2 = ldmGolden('narrow-sd2').unetConfig;

  it.each([
    ['demo', gone, 'darkroom_demo', 'Darkroom demo model'],
    ['sd15', gone, 'sd_v1', 'Stable Diffusion 1.5'],
    ['own-1', files({ prediction_type: 'epsilon' }, ldmGolden('narrow-sd1').unetConfig), 'sd_v1', 'mine'],
    ['own-1', files({ prediction_type: 'v_prediction' }, narrow2), 'sd_v2_v', 'mine'],
    ['own-1', files({}, narrow2), undefined, 'mine'], // only a forward pass could tell
    ['own-1', gone, undefined, undefined],
    ['own-1', files({ prediction_type: 'sample' }, narrow2), undefined, undefined],
  ] as const)('%s (case %#): %s', async (modelId, models, version, name) => {
    const { file } = await shelfWith({ modelId }, (id) => earlierBase(models, id));
    const { says } = await file(null, 'kohya');
    expect([says.ss_base_model_version, says.ss_sd_model_name]).toEqual([version, name]);
    expect(says.ss_num_train_images).toBe('5');
  });
});
