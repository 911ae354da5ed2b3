// Folders as people have them: shards and variants in either spelling, Hugging Face's cache without its links, and other models, each by its own name.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { CanonicalFile } from '../../src/files/checkpoint/canonical-file.ts';
import { openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import type { GivenFile } from '../../src/files/checkpoint/folder.ts';
import { weightFiles } from '../../src/files/checkpoint/weight-files.ts';
import type { TensorToWrite } from '../../src/files/safetensors.ts';
import type { Trouble } from '../../src/trouble.ts';
import { bytesOf, componentTensors, demoFile, FILE_NAMES, json, tensorsFile, tokenizer } from './checkpoint-folder.ts';
import { COMPONENTS, goldenFile, ldmGolden } from './ldm-golden.ts';

vi.setConfig({ testTimeout: 60_000 });
const golden = ldmGolden('narrow-sd1');
const parts = Object.fromEntries(COMPONENTS.map((one) => [one, componentTensors(golden, one)]));
const files = Object.fromEntries(COMPONENTS.map((one) => [one, tensorsFile(parts[one]!)]));
const plain = (top: string) => COMPONENTS.map((one) => ({ path: top + FILE_NAMES[one], file: files[one]! }));
const open = (given: readonly GivenFile[]) => openCheckpoint(given, tokenizer);
const sha = async (file: CanonicalFile) =>
  createHash('sha256')
    .update(await bytesOf(file))
    .digest('hex');
const unetOf = async (given: readonly GivenFile[]) =>
  sha((await open(given)).files.find(({ path }) => path === FILE_NAMES.unet)!);
const refusal = (given: readonly GivenFile[]): Promise<Trouble<'not-a-checkpoint'>> =>
  open(given).then(
    () => expect.fail('it was read'),
    (error) => error,
  );

describe('shards and variants', () => {
  const weights = parts.unet!;
  const others = plain('m/').filter(({ path }) => path !== `m/${FILE_NAMES.unet}`);
  const sharded = (nameOf: (n: string) => string) =>
    [weights.slice(0, 90), weights.slice(90)].map((tensors, i) => ({
      path: `m/unet/${nameOf(`0000${i + 1}-of-00002`)}`,
      file: tensorsFile(tensors),
    }));
  const index = (name: string) => ({ path: `m/unet/${name}`, file: json({ weight_map: {} }) });

  it.each([
    [
      'the variant before the number',
      (n: string) => `diffusion_pytorch_model.fp16-${n}.safetensors`,
      'diffusion_pytorch_model.safetensors.index.fp16.json',
    ],
    [
      'the variant behind it',
      (n: string) => `diffusion_pytorch_model-${n}.fp16.safetensors`,
      'diffusion_pytorch_model.fp16.safetensors.index.json',
    ],
    [
      'no variant',
      (n: string) => `diffusion_pytorch_model-${n}.safetensors`,
      'diffusion_pytorch_model.safetensors.index.json',
    ],
    ['what was not averaged', (n: string) => `diffusion_pytorch_model.non_ema-${n}.safetensors`, 'x.index.json'],
  ])('%s: read as the whole file is', async (_, nameOf, indexName) => {
    expect(await unetOf([...others, ...sharded(nameOf), index(indexName)])).toEqual(await unetOf(plain('m/')));
  });

  const UNET = 'unet/diffusion_pytorch_model';
  const shards = (before: string, behind: string, have = [1, 2]) =>
    have.map((n) => `${UNET}${before}-0000${n}-of-00002${behind}.safetensors`);
  it.each([
    [
      'plain before f16',
      [`${UNET}.safetensors`, `${UNET}.fp16.safetensors`, `${UNET}.non_ema.safetensors`],
      [`${UNET}.safetensors`],
    ],
    ['f16 before others', [`${UNET}.bf16.safetensors`, `${UNET}.fp16.safetensors`], [`${UNET}.fp16.safetensors`]],
    [
      'averaged before not averaged',
      [`${UNET}.non_ema.safetensors`, `${UNET}.x.safetensors`],
      [`${UNET}.x.safetensors`],
    ],
    ['not averaged where there is nothing else', [`${UNET}.non_ema.safetensors`], [`${UNET}.non_ema.safetensors`]],
    [
      'a whole f16 before a plain one that lacks a shard',
      [...shards('', '', [2]), ...shards('.fp16', '')],
      shards('.fp16', ''),
    ],
    ['one spelling of two', [...shards('.fp16', ''), ...shards('', '.fp16')], shards('', '.fp16')],
    ['another name where the usual one is missing', ['unet/model.safetensors'], ['unet/model.safetensors']],
  ])('%s', (_, paths, expected) => {
    const shuffled = fc.shuffledSubarray(paths, { minLength: paths.length });
    fc.assert(fc.property(shuffled, (some) => void expect(weightFiles('unet', some)).toEqual(expected)));
  });

  it('a shard that is missing is told with how many there are', () => {
    for (const paths of [
      shards('.fp16', '', [2]),
      shards('', '.fp16', [1]),
      [...shards('', '', [1]), `${UNET}-00003-of-00002.safetensors`],
    ])
      expect(() => weightFiles('unet', paths)).toThrow(expect.objectContaining({ code: 'file-damaged' }));
  });
});

describe('Hugging Face’s cache', () => {
  const top = 'models--some-org--dreamy-v8/';
  const configs: [string, Blob][] = [
    ['model_index.json', json({ _class_name: 'StableDiffusionPipeline' })],
    ['unet/config.json', json({ ...golden.unetConfig, _class_name: 'UNet2DConditionModel', sample_size: 32 })],
    ['vae/config.json', json({ _class_name: 'AutoencoderKL', scaling_factor: 0.5 })],
    [
      'scheduler/scheduler_config.json',
      json({ _class_name: 'DDIMScheduler', prediction_type: 'v_prediction', beta_schedule: 'scaled_linear' }),
    ],
    ['text_encoder/config.json', json({ model_type: 'clip_text_model', num_attention_heads: 4 })],
    ['tokenizer/tokenizer_config.json', json({ tokenizer_class: 'CLIPTokenizer' })],
    [
      'tokenizer/special_tokens_map.json',
      json({ bos_token: '<|startoftext|>', unk_token: '<|endoftext|>', pad_token: '!' }),
    ],
    ['tokenizer/vocab.json', demoFile('tokenizer/vocab.json')],
    ['tokenizer/merges.txt', demoFile('tokenizer/merges.txt')],
    ['README.md', new Blob(['# Dreamy'])],
    ['safety_checker/config.json', json({ architectures: ['StableDiffusionSafetyChecker'], model_type: 'clip' })],
    [
      'safety_checker/model.safetensors',
      tensorsFile([{ name: 'vision_model.x', dtype: 'F16', shape: [1], data: new Uint16Array(1) }]),
    ],
  ];
  const folder = [...plain(''), ...configs.map(([path, file]) => ({ path, file }))];
  const blobs = (given = folder, at = top) =>
    given.map(({ file }, i) => ({ path: `${at}blobs/${(i * 7919).toString(16).padStart(40, '0')}`, file }));
  const bytes = async (given: readonly GivenFile[]) =>
    Object.fromEntries(await Promise.all((await open(given)).files.map(async (f) => [f.path, await sha(f)] as const)));

  it('dropped whole, without its links, is the model that the links name, in any order (was: nothing, without a word)', async () => {
    const expected = await bytes(folder);
    for (const given of [
      blobs(),
      blobs().reverse(),
      [{ path: `${top}refs/main`, file: new Blob(['abc']) }, ...blobs()],
    ]) {
      expect((await open(given)).name).toBe('dreamy-v8');
      expect(await bytes(given)).toEqual(expected);
    }
    expect((await open(blobs(folder, ''))).layout).toBe('diffusers'); // its `blobs` alone
  });

  it('with its links followed (or copied, on Windows) has the repository’s name, not the commit’s', async () => {
    const commit = '451f4fe16113bff5a5d2269ed5ad43b0592e9a14';
    const followed = folder.map(({ path, file }) => ({ path: `${top}snapshots/${commit}/${path}`, file }));
    expect((await open([...blobs(), ...followed])).name).toBe('dreamy-v8');
    expect((await open(folder.map(({ path, file }) => ({ path: `${commit}/${path}`, file })))).name).toBe(
      'Stable Diffusion',
    );
  });

  it('of one checkpoint file is that checkpoint', async () => {
    const file = goldenFile(golden, golden.ldm.keys());
    expect(await open([{ path: `${top}blobs/ab12`, file }])).toMatchObject({ name: 'dreamy-v8', layout: 'ldm' });
  });

  it('in which f16 lies beside f32 takes the smaller; two of one size are two versions, and nothing tells which', async () => {
    const wide = parts.vae!.map(
      (t): TensorToWrite => ({ ...t, dtype: 'F32', data: new Float32Array(t.shape.reduce((n, d) => n * d, 1)) }),
    );
    const narrow = parts.vae!.map(
      (t): TensorToWrite => ({ ...t, dtype: 'F16', data: new Uint16Array(t.shape.reduce((n, d) => n * d, 1)) }),
    );
    const rest = folder.filter(({ path }) => path !== FILE_NAMES.vae);
    const both = [...rest, { path: 'a', file: tensorsFile(wide) }, { path: 'b', file: tensorsFile(narrow) }];
    expect(await bytes(blobs(both))).toEqual(
      await bytes([...rest, { path: FILE_NAMES.vae, file: tensorsFile(narrow) }]),
    );
    const two = [...folder, { path: 'unet/old.json', file: json({ _class_name: 'UNet2DConditionModel' }) }];
    expect((await refusal(blobs(two))).facts).toMatchObject({ kind: 'several', file: 'dreamy-v8' });
    expect((await refusal([...blobs(), ...blobs(folder, 'models--x--y/')])).facts).toMatchObject({ kind: 'several' });
  });

  it('that holds something else, or not all, is told by its name', async () => {
    const without = (part: string) => blobs(folder.filter(({ path }) => !path.startsWith(part)));
    const pickles = [...without('unet/diff'), { path: `${top}blobs/ff`, file: new Blob(['PK\u0003\u0004 and so on']) }];
    expect((await refusal(pickles)).facts).toMatchObject({ kind: 'pickle', file: 'dreamy-v8' });
    expect((await refusal(without('vae/'))).facts).toMatchObject({ kind: 'incomplete' });
    expect((await refusal(without('unet/'))).facts).toMatchObject({ kind: 'incomplete' });
    const cut = folder.map(({ path, file }) => ({ path, file: path === FILE_NAMES.vae ? file.slice(0, -9) : file }));
    expect(await refusal(blobs(cut))).toMatchObject({ code: 'file-damaged' });
    expect((await refusal([])).facts).toMatchObject({ kind: 'links' }); // all that a browser sees of links
    const xl = [
      { path: 'i', file: json({ _class_name: 'StableDiffusionXLPipeline' }) },
      ...folder.slice(0, 3),
      ...folder.slice(1, 3),
    ];
    expect((await refusal(blobs(xl))).facts).toMatchObject({ kind: 'sdxl', file: 'dreamy-v8' });
  });
});

describe('a folder of another kind is told by its own name, before its weights', () => {
  const XL = 'StableDiffusionXLImg2ImgPipeline';
  it.each([
    [{ _class_name: 'StableDiffusionInpaintPipeline' }, { in_channels: 9 }, 'inpainting'],
    [{ _class_name: 'StableDiffusionInstructPix2PixPipeline' }, { in_channels: 8 }, 'instruct-pix2pix'],
    [{ _class_name: 'StableDiffusionDepth2ImgPipeline' }, { in_channels: 5 }, 'depth'],
    [{ _class_name: 'StableDiffusionUpscalePipeline' }, { in_channels: 7 }, 'upscaler'],
    [{ _class_name: 'StableDiffusionLatentUpscalePipeline' }, {}, 'upscaler'],
    [{ _class_name: 'StableDiffusionImageVariationPipeline' }, {}, 'image-prompt'],
    [{ _class_name: 'StableUnCLIPImg2ImgPipeline' }, {}, 'image-prompt'],
    [{ _class_name: 'StableVideoDiffusionPipeline' }, { in_channels: 8 }, 'video'],
    [{ _class_name: 'StableDiffusionXLPipeline' }, {}, 'sdxl'],
    [{ _class_name: XL, text_encoder: ['transformers', 'CLIPTextModel'] }, {}, 'sdxl'],
    [{ _class_name: XL, text_encoder: [null, null] }, {}, 'sdxl', 'the refiner of Stable Diffusion XL'],
    [{ _class_name: 'StableDiffusion3Pipeline' }, {}, 'newer-family', 'Stable Diffusion 3'],
    [{ _class_name: 'FluxPipeline' }, {}, 'newer-family', 'FLUX'],
  ] as const)('%j', async (index, unet, kind, name?: string) => {
    // Its weights are an ordinary model's here: nothing but these files could tell.
    const given = [...plain('my model/'), { path: 'my model/model_index.json', file: json(index) }];
    const config = { path: 'my model/unet/config.json', file: json(unet) };
    const { code, facts } = await refusal([...given, ...('in_channels' in unet ? [config] : [])]);
    expect([code, facts.kind, facts.file, facts.name]).toEqual(['not-a-checkpoint', kind, 'my model', name]);
  });

  it.each([
    'StableDiffusionPipeline',
    'StableDiffusionImg2ImgPipeline',
    'StableDiffusionInpaintPipeline',
    'StableDiffusionControlNetPipeline',
    'MyOwnPipeline',
  ])('an ordinary model is read, whatever draws with it: %s', async (_class_name) => {
    const given = [...plain('m/'), { path: 'm/model_index.json', file: json({ _class_name }) }];
    expect((await open(given)).name).toBe('m');
  });
});
