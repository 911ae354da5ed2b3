// What the page stored at commit cb002ea (test/fixtures/storage-1) in, every field of it out: a newer version opens it, for ever.
import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { adapterStore } from '../../src/storage/adapter-store.ts';
import { wholeAdapters, wholeRuns } from '../../src/storage/earlier.ts';
import { previewStore } from '../../src/storage/preview-store.ts';
import { projectStore } from '../../src/storage/project-store.ts';
import { runStore } from '../../src/storage/run-store.ts';
import { timingStore } from '../../src/storage/timing-store.ts';
import { adapterShelf } from '../../src/worker/adapter-shelf.ts';
import { earlierBase } from '../../src/worker/earlier-base.ts';
import { recording } from '../fixtures/recordings.ts';
import { dumpDatabases, restoreDatabases } from '../fixtures/stored-databases.ts';

const { commit, databases } = recording('storage-1');
beforeAll(() => restoreDatabases(JSON.stringify(databases)));

const PAUSED = '7dae3a00-5400-417a-a5d4-1d4104e0e1e0';
const DONE = 'f8528283-0b14-4092-8787-0a3b2631fc74';
const TAKEN_IN = '56445b81-349b-4c0f-be31-820c794ce4e4';

const sha256 = async (blob: Blob) =>
  createHash('sha256')
    .update(new Uint8Array(await blob.arrayBuffer()))
    .digest('hex')
    .slice(0, 16);
const settings = {
  ...{ steps: 4, batch: 1, accumulate: 1, learningRate: 1e-3, schedule: 'constant', warmupSteps: 0, clip: 1 },
  ...{ rank: 1, alpha: 2, seed: 42, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  ...{ keptAside: 1, heldOutDraws: 1, previewEvery: 2, previewSteps: 1 },
  ...{ activations: 'f32', recompute: 'auto', resolution: 128, weights: 'f16' },
};
const common = {
  ...{ modelId: 'demo', identifier: 'aawxbc', classNoun: 'figurine', settings, heldOutOn: 'kept-aside' },
  gpuBytes: { weights: 12071752, arena: 8232960, lora: 200772, staging: 396032, total: 20901516 },
  ...{ flopsPerStep: 1551128832, dispatchesPerStep: 877 },
};
const losses = [0.09108205139636993, 0.004393883049488068, 0.11526159942150116, 0.012684836983680725];
const heldOut = [
  { step: 0, loss: 0.11616159975528717 },
  { step: 2, loss: 0.11761709302663803 },
  { step: 4, loss: 0.11754327267408371 },
];
const paused = {
  ...{ ...common, runId: PAUSED, adapterId: PAUSED, step: 2, bestStep: 2, moments: [2], state: 'paused' },
  ...{ losses: losses.slice(0, 2), heldOut: heldOut.slice(0, 2) },
  ...{ startedAt: 1795741393008, msPerStep: 2752.2999999999884 },
};
const done = {
  ...{ ...common, runId: DONE, adapterId: DONE, step: 4, bestStep: 4, moments: [2, 4], state: 'done' },
  ...{ losses, heldOut, startedAt: 1795741328813, msPerStep: 2744.0750000000116 },
};

describe('storage of commit cb002ea', () => {
  it('is restored exactly as it was recorded', async () => {
    expect(commit).toBe('cb002ea');
    // Node's structuredClone makes a Blob of a File.
    const asBlobs = JSON.stringify(databases, (_, value) =>
      value?.$ === 'File' ? { $: 'Blob', type: value.type, bytes: value.bytes } : value,
    );
    const again = await dumpDatabases({ prefix: 'darkroom-', without: [] });
    expect(JSON.stringify(again) === asBlobs).toBe(true);
    expect(again.map(({ name }) => name)).toEqual(
      ['adapters', 'previews', 'project', 'runs', 'timings'].map((name) => `darkroom-${name}`),
    );
  });

  it('the project has its photos with bytes, crops, captions and what was found in them', async () => {
    const { photos, ...rest } = (await projectStore().load())!;
    expect(rest).toMatchObject({
      ...{ modelId: 'demo', identifier: 'aawxbc', classNoun: 'figurine', runId: PAUSED },
      settings: {
        ...{ preset: 'balanced', steps: 4, rank: 1, alpha: 2, keptAside: 1 },
        ...{ heldOutDraws: 1, previewEvery: 2, previewSteps: 1 },
      },
    });
    const whole = { x: 0.5, y: 0.5, size: 1 };
    const photo = (id: string, name: string, more: object) => ({
      ...{ id, name, crop: whole, caption: '', use: true },
      ...more,
    });
    const read = (fingerprint: string, width = 128, height = 128, flags: object[] = []) => ({
      reading: { width, height, fingerprint, flags },
    });
    expect(photos).toMatchObject([
      photo('f0337d02-897f-4b96-b4e0-0d468a26f565', 'teddy-bear-01.png', {
        ...read('004000600060007000700270007c041e0e0e0f2c017800d80300000000000000'),
      }),
      photo('245c5997-4c04-4d9f-ae57-bbe65c9311f6', 'teddy-bear-02.png', {
        ...read('000000000338043800180018069803380038081c1c0e1e0f1627136600ec0498'),
        crop: { x: 0.4921875, y: 0.5078125, size: 0.8999999999999999 },
      }),
      photo('6791e2a0-d808-4660-adda-4ae05b9e2fe9', 'teddy-bear-03.png', {
        ...read('000002003a00700030007200380032007820d800fc8070803080100000000000'),
      }),
      photo('4c2128df-1a1a-46e4-8505-8cf407cdfdba', 'teddy-bear-04.png', {
        ...read('00001a80184018003a003d001d001a007800fc00dc18be00726032c030c00000'),
      }),
      photo('f98b6fe9-918f-4ff5-b31e-975d8ddd40b5', 'baseline.jpg', {
        ...read('0000c000c000c000c000c000c000c00000000000000000000000800080008000', 240, 160),
        caption: 'aawxbc figurine on a “blue” shelf',
      }),
      photo('762df335-e8b5-47df-b654-585a7ae8a50d', 'busy.png', {
        ...read('ce36a062b0a11663528924229522992a52184a966d3694cb8d34a4d8253852d0', 60, 50, [
          { kind: 'too-small', shortSide: 50, needs: 128 },
        ]),
        use: false,
      }),
    ]);
    const facts = async (blob: Blob) => [blob.type, blob.size, await sha256(blob)];
    expect(await Promise.all(photos.map(({ file }) => facts(file)))).toEqual([
      ['image/png', 9461, '1e499bb792a92ce3'],
      ['image/png', 12417, 'bdc1b6711e6194cb'],
      ['image/png', 9570, '2afdd6ef482e8df9'],
      ['image/png', 12203, '6ba0e4cc03903883'],
      ['image/jpeg', 4842, 'bc0231eab79aee63'],
      ['image/png', 5371, '9d9395ad7e9460c5'],
    ]);
    expect(await Promise.all(photos.map(({ reading }) => facts(reading.thumbnail)))).toEqual([
      ['image/jpeg', 3502, '09a7dafd78ee8641'],
      ['image/jpeg', 3862, '4de5b2001fd36f84'],
      ['image/jpeg', 3610, '6354cf703ea52cbf'],
      ['image/jpeg', 3621, 'fe1a60141b225f9b'],
      ['image/jpeg', 4898, 'f5f9ed04c0d84642'],
      ['image/jpeg', 3526, 'da622559224ac3a3'],
    ]);
  });

  it('the paused and the ended run have their history and the state that training goes on from', async () => {
    const runs = wholeRuns(runStore());
    expect(await runs.list()).toMatchObject([paused, done]);
    const first: Record<string, Record<string, number>> = {
      [PAUSED]: { lora: -0.9709057211875916, firstMoment: 1.1792178611358395e-7, secondMoment: 1.3905548253869532e-15 },
      [DONE]: { lora: -0.9724258780479431, firstMoment: 3.997734552285692e-7, secondMoment: 8.584465468119626e-15 },
    };
    for (const summary of [paused, done]) {
      const { step, losses, heldOut, moments } = summary;
      const stored = (await runs.load(summary.runId))!;
      expect(stored).toMatchObject({ summary, photos: 5, snapshot: { step, attempt: step, losses, heldOut, moments } });
      const { stepState, ...vectors } = stored.snapshot.state;
      for (const [name, values] of Object.entries(vectors)) {
        expect(values).toBeInstanceOf(Float32Array);
        expect(values.length).toBe(12544);
        expect(values.every(Number.isFinite)).toBe(true);
        expect([name, values[0]]).toEqual([name, first[summary.runId]![name]]);
      }
      expect(Object.keys(vectors).sort()).toEqual(['firstMoment', 'lora', 'secondMoment']);
      expect(stepState).toBeInstanceOf(Float32Array);
      expect([stepState.length, stepState[0]]).toEqual([16, step]);
    }
  });

  it('every run has its pictures, and sketches their latents', async () => {
    const previews = previewStore();
    const request = (adapterId: string, moment: number) => ({
      ...{ prompt: 'a photo of aawxbc figurine', negativePrompt: '', seed: 42, steps: 1, guidance: 7.5 },
      ...{ adapterId, moment, strength: 1, size: 128, weights: 'f16' },
    });
    const picture = (run: string, step: number, kind: string, side: number, ms: number) => ({
      ...{ step, picture: { kind, width: side, height: side, request: request(run, step), ms } },
    });
    const [sketches, full] = [await previews.list(PAUSED), await previews.list(DONE)];
    expect(sketches).toMatchObject([0, 2].map((step) => picture(PAUSED, step, 'sketch', 16, expect.any(Number))));
    expect(full).toMatchObject([0, 2, 4].map((step) => picture(DONE, step, 'full', 128, expect.any(Number))));
    const pngs = [...sketches, ...full].map(({ picture }) => picture.png);
    expect(pngs.map(({ type, size }) => `${type} ${size}`)).toEqual(
      [1019, 1021, 42417, 42438, 42448].map((size) => `image/png ${size}`),
    );
    expect(await Promise.all(pngs.map(sha256))).toEqual([
      ...['0db974e1ef741bce', '0454c4f2bf606dee'],
      ...['5323b14b16640df3', '3ee1d0dfa4f4d738', '5d8c507379ad19d7'],
    ]);
    const latents = await Promise.all([0, 2].map((step) => previews.latents(PAUSED, step)));
    expect(latents.map((values) => [values?.constructor, values?.length, values?.[0]])).toEqual([
      [Float32Array, 1024, 1.803366780281067],
      [Float32Array, 1024, 1.7995213270187378],
    ]);
    expect(await previews.latents(DONE, 0)).toBe(null);
  });

  it('every adapter is listed, one that was read from a file without a run', async () => {
    const adapters = wholeAdapters(adapterStore());
    const fileBytes = { kohya: 20720, diffusers: 41216 };
    const trained = { name: 'aawxbc-figurine', alpha: 2, photos: 5 };
    const adapter = (adapterId: string, more: object) => ({
      ...{ adapterId, identifier: 'aawxbc', classNoun: 'figurine', modelId: 'demo', rank: 1, fileBytes },
      ...more,
    });
    const expected = [
      adapter(PAUSED, { ...trained, moments: [2], bestStep: 2, createdAt: 1795741393008, run: paused }),
      adapter(TAKEN_IN, {
        ...{ name: 'from-a-friend', alpha: 1, photos: 0, run: null },
        ...{ moments: [0], bestStep: 0, createdAt: 1795741392458 },
      }),
      adapter(DONE, { ...trained, moments: [2, 4], bestStep: 4, createdAt: 1795741328813, run: done }),
    ];
    expect(await adapters.list()).toMatchObject(expected);
    for (const one of expected) expect(await adapters.load(one.adapterId)).toMatchObject(one);
    expect((await adapterShelf(adapters).list()).map(({ adapterId }) => adapterId)).toEqual([PAUSED, TAKEN_IN, DONE]);
  });

  // First values of down and up of the middle block's first query, as the file should have them: diffusers' holds alpha / rank in `up`.
  it.each([
    [PAUSED, null, 'aawxbc-figurine', -0.08506449311971664, -0.0033853910863399506 / 2, 2, '2'],
    [DONE, 2, 'aawxbc-figurine-s2', -0.08506449311971664, -0.0033853910863399506 / 2, 2, '2'],
    [DONE, null, 'aawxbc-figurine', -0.08477078378200531, -0.00639036949723959 / 2, 2, '4'],
    [TAKEN_IN, null, 'aawxbc-figurine', -0.08477783203125, -0.006389617919921875, 1, undefined],
  ])(
    'the adapter %s at moment %s becomes a whole file in both layouts',
    async (id, moment, name, down, up, alpha, steps) => {
      const gone = { open: () => Promise.reject(new Error('the model is not here')) };
      const shelf = adapterShelf(wholeAdapters(adapterStore()), (modelId) => earlierBase(gone, modelId));
      const read = async (layout: 'kohya' | 'diffusers') => {
        const file = await shelf.file(id, moment, layout);
        expect(file.name).toBe(`${name}${layout === 'kohya' ? '' : '.diffusers'}.safetensors`);
        return readSafetensors(file.bytes, file.name);
      };
      const kohya = await read('kohya');
      const module = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
      expect(kohya.keys()).toHaveLength(3 * 56);
      expect(kohya.shape(`${module}.lora_down.weight`)).toEqual([1, 160]);
      expect(kohya.shape(`${module}.lora_up.weight`)).toEqual([160, 1]);
      expect((await kohya.float32(`${module}.lora_down.weight`))[0]).toBeCloseTo(down, 4); // f16
      expect((await kohya.float32(`${module}.lora_up.weight`))[0]).toBeCloseTo(up, 5);
      expect((await kohya.float32(`${module}.alpha`))[0]).toBe(alpha);
      expect(kohya.metadata.ss_steps).toBe(steps);
      expect(kohya.metadata.ss_base_model_version).toBe(steps && 'darkroom_demo'); // by its model's id

      const diffusers = await read('diffusers');
      const query = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora';
      expect(diffusers.keys()).toHaveLength(2 * 56);
      expect((await diffusers.float32(`${query}.down.weight`))[0]).toBe(down);
      expect((await diffusers.float32(`${query}.up.weight`))[0]).toBe(up * alpha);
      for (const key of diffusers.keys()) expect((await diffusers.float32(key)).every(Number.isFinite)).toBe(true);
    },
  );

  it('what was timed on this computer is known', async () => {
    const timings = timingStore();
    expect(await timings.load('decode demo 128')).toEqual({ ms: 148.80000000004657, flopsPerMs: null });
    expect(await timings.load('step demo Google Swiftshader 128 f16 f32 auto 1 micro')).toEqual({
      ms: 2744.0750000000116,
      flopsPerMs: null,
    });
  });
});
