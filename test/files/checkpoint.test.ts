// Narrow checkpoints with data, single-file and as folders, in f32, f16 and bf16: the canonical tensors are diffusers' converter's (by sha256), and
// the same weights are the same bytes.
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { weightsFile } from '../../src/files/checkpoint/canonical-file.ts';
import { type Checkpoint, openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import { TensorMap } from '../../src/files/checkpoint/stored.ts';
import { intoF16 } from '../../src/files/dtypes.ts';
import { neededFiles, openModelFolder } from '../../src/files/model-folder.ts';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import { toF16 } from '../../src/tensor/half.ts';
import { bytesOf, componentTensors, FILE_NAMES, json, tensorsFile, tokenizer } from './checkpoint-folder.ts';
import { COMPONENTS, goldenFile, type LdmGolden, ldmGolden } from './ldm-golden.ts';

const bytesAs = (words: Uint16Array) => new Uint8Array(words.buffer);
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 32);
const single = (file: Blob, path = 'my model.safetensors') => openCheckpoint([{ path, file }], tokenizer);
const written = async ({ files }: Checkpoint) =>
  new Map(await Promise.all(files.map(async (file) => [file.path, await bytesOf(file)] as const)));
const hashes = async (checkpoint: Checkpoint) =>
  Object.fromEntries([...(await written(checkpoint))].map(([path, bytes]) => [path, sha(bytes)]));
const jsonOf = async (checkpoint: Checkpoint, path: string) =>
  JSON.parse(new TextDecoder().decode((await written(checkpoint)).get(path)!));

async function expectConverted(checkpoint: Checkpoint, golden: LdmGolden, unet?: ReadonlyMap<string, string>) {
  const files = await written(checkpoint);
  for (const component of COMPONENTS) {
    const file = await readSafetensors(files.get(FILE_NAMES[component])!, component);
    const made = golden.made[component];
    expect(file.keys()).toEqual([...made.keys()].sort());
    for (const [key, { sha: as, shape }] of made) {
      expect(file.dtype(key)).toBe('F16');
      expect(file.shape(key)).toEqual(shape);
      expect(`${key} ${sha(await file.bytes(key))}`).toBe(`${key} ${(component === 'unet' && unet?.get(key)) || as}`);
    }
  }
}

/** The same weights as a diffusers folder: early names in the VAE, no `text_model.`, f16 variants. */
function asFolder(golden: LdmGolden, { top = 'some folder/', variant = '' } = {}) {
  const early = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };
  const rename: Record<string, (t: TensorToWrite) => TensorToWrite> = {
    unet: (t) => t,
    vae: (t) => ({
      ...t,
      name: t.name.replace(/(to_q|to_k|to_v|to_out\.0)(?=\.)/, (now) => early[now as keyof typeof early]),
    }),
    text_encoder: (t) => ({ ...t, name: t.name.replace('text_model.', '') }),
  };
  const ids = { name: 'embeddings.position_ids', dtype: 'I64', shape: [1, 77], data: new BigInt64Array(77) } as const;
  return [
    ...COMPONENTS.map((component) => ({
      path: top + FILE_NAMES[component].replace('.safetensors', `${variant}.safetensors`),
      file: tensorsFile([
        ...componentTensors(golden, component).map(rename[component]!),
        ...(component === 'text_encoder' ? [ids] : []),
      ]),
    })),
    { path: `${top}safety_checker/model.safetensors`, file: new Blob(['not looked at']) },
    { path: `${top}v1-5-pruned.ckpt`, file: new Blob(['PK']) },
  ];
}

// Thousands of small reads: a second or two each, many on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

describe.each([
  ['narrow-sd1', 'sd1', null], // was: ε, though some of the family predict v
  ['narrow-sd2', 'sd2', null],
] as const)('%s', (name, family, prediction) => {
  const golden = ldmGolden(name);
  const keys = [...golden.ldm.keys()];
  const file = goldenFile(golden, keys);

  it('single file, with averaged twins', async () => {
    const checkpoint = await single(file);
    expect(checkpoint).toMatchObject({ name: 'my model', layout: 'ldm', family, prediction });
    expect(checkpoint.files.map(({ path }) => path)).toEqual(neededFiles);
    await expectConverted(checkpoint, golden);
    const folder = await openModelFolder(
      new Map([...(await written(checkpoint))].map(([path, bytes]) => [path, new Blob([bytes])])),
    );
    expect(folder.bytes).toBe(checkpoint.files.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it('only the averaged twins of its U-Net', async () => {
    const rest = keys.filter((key) => !key.startsWith('model.diffusion_model.'));
    await expectConverted(await single(goldenFile(golden, rest)), golden, golden.ema);
  });

  it('every name behind those of what it was wrapped in', async () => {
    const expected = (await single(file)).files.map(({ bytes }) => bytes);
    for (const wrapper of ['model.', 'state_dict.', 'state_dict.model.', 'module.']) {
      const wrapped = await single(goldenFile(golden, keys, (key) => wrapper + key));
      expect(wrapped.files.map(({ bytes }) => bytes)).toEqual(expected);
    }
  });

  it('as a diffusers folder it is the same bytes, every file of it', async () => {
    const expected = await hashes(await single(file));
    for (const options of [{ top: '' }, { top: 'a/b/', variant: '.fp16' }]) {
      const checkpoint = await openCheckpoint(asFolder(golden, options), tokenizer);
      expect(checkpoint.layout).toBe('diffusers');
      expect(await hashes(checkpoint)).toEqual(expected);
    }
  });
});

describe('conversion', () => {
  const golden = ldmGolden('narrow-sd1');
  const file = goldenFile(golden, golden.ldm.keys());

  it('control: one bit of one weight is another file', async () => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const { data_offsets: at } = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + header)))[
      'model.diffusion_model.out.2.bias'
    ];
    bytes[8 + header + at[1] - 1]! ^= 0x80; // a sign
    const [a, b] = [await hashes(await single(file)), await hashes(await single(new Blob([bytes])))];
    const other = Object.keys(a).filter((path) => a[path] !== b[path]);
    expect(other).toEqual([FILE_NAMES.unet]);
  });

  it('every bf16 is rounded to nearest even, every f16 is left as it is', async () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const bf16 = new Uint16Array(65536);
    intoF16(new Uint8Array(all.buffer), 'BF16', bf16);
    const asF32 = new Float32Array(Uint32Array.from(all, (w) => w << 16).buffer);
    expect(Buffer.compare(bytesAs(bf16), bytesAs(toF16(asF32)))).toBe(0);
    const f16 = new Uint16Array(65536);
    intoF16(new Uint8Array(all.buffer), 'F16', f16);
    expect(Buffer.compare(bytesAs(f16), bytesAs(all))).toBe(0);
  });

  it('chunks of at most 4 MiB, as many bytes as promised, none larger than its buffer; an abort ends it', async () => {
    // One matrix of 11 MB in f32 among small ones: the tensors of a U-Net are larger than a chunk.
    const large = new Float32Array(2_750_001).map((_, i) => Math.sin(i));
    const small = Float32Array.of(1, 2, 3);
    const blob = new Blob([
      writeSafetensors([
        { name: 'b', dtype: 'F32', shape: [large.length], data: large },
        { name: 'a', dtype: 'F32', shape: [3], data: small },
      ]),
    ]);
    const source = await readSafetensors(blob, 'x');
    const map = new TensorMap();
    for (const key of source.keys()) map.add(key, source, key);
    const canonical = weightsFile('w', map.found);
    const sizes: number[] = [];
    for await (const chunk of canonical.chunks()) {
      expect(chunk.byteLength).toBe(chunk.buffer.byteLength);
      sizes.push(chunk.length);
    }
    expect(sizes).toEqual([2 ** 22, canonical.bytes - 2 ** 22]);
    const back = await readSafetensors(await bytesOf(canonical), 'w');
    const expected = new Uint8Array(toF16(large).buffer);
    expect(Buffer.compare(await back.bytes('b'), expected)).toBe(0);
    const stop = new AbortController();
    const reading = async () => {
      for await (const _ of canonical.chunks(stop.signal)) stop.abort(new Error('enough'));
    };
    await expect(reading()).rejects.toThrow('enough');
  });
});

describe('a folder’s own configs', () => {
  const golden = ldmGolden('narrow-sd2');
  const open = (files: Record<string, unknown>) =>
    openCheckpoint(
      [...asFolder(golden, { top: '' }), ...Object.entries(files).map(([path, v]) => ({ path, file: json(v) }))],
      tokenizer,
    );
  const unet = { ...golden.unetConfig, upcast_attention: true, attention_head_dim: [2, 4], sample_size: 96 };

  it('win where tensors cannot tell', async () => {
    const checkpoint = await open({
      'unet/config.json': unet,
      'vae/config.json': { scaling_factor: 0.5, norm_num_groups: 16, sample_size: 768, force_upcast: true },
      'text_encoder/config.json': { num_attention_heads: 4, hidden_act: 'gelu', num_hidden_layers: 1 },
      'scheduler/scheduler_config.json': {
        _class_name: 'DDIMScheduler',
        prediction_type: 'v_prediction',
        beta_start: 0.001,
      },
      'tokenizer/tokenizer_config.json': { pad_token: '<|endoftext|>', bos_token: { content: '<|startoftext|>' } },
      'tokenizer/special_tokens_map.json': { pad_token: '!' },
    });
    expect(checkpoint.prediction).toBe('v_prediction');
    expect(await jsonOf(checkpoint, 'unet/config.json')).toMatchObject({ attention_head_dim: [2, 4], sample_size: 96 });
    expect(await jsonOf(checkpoint, 'vae/config.json')).toMatchObject({ scaling_factor: 0.5, norm_num_groups: 16 });
    expect(await jsonOf(checkpoint, 'text_encoder/config.json')).toMatchObject({
      num_attention_heads: 4,
      num_hidden_layers: 1,
    });
    expect(await jsonOf(checkpoint, 'scheduler/scheduler_config.json')).toMatchObject({
      prediction_type: 'v_prediction',
      beta_start: 0.001,
      beta_end: 0.02,
      set_alpha_to_one: true,
    });
    expect((await jsonOf(checkpoint, 'tokenizer/tokenizer_config.json')).pad_token).toBe('!');
    const text = await readSafetensors((await written(checkpoint)).get(FILE_NAMES.text_encoder)!, 'x');
    expect(text.keys().some((key) => key.includes('layers.1.'))).toBe(false);
  });

  it('must agree with the tensors', async () => {
    const wrong = { ...unet, block_out_channels: [64, 192] };
    await expect(open({ 'unet/config.json': wrong })).rejects.toMatchObject({
      code: 'file-damaged',
      facts: { file: 'unet/config.json' },
    });
    await expect(open({ 'vae/config.json': { layers_per_block: 1 } })).rejects.toMatchObject({ code: 'file-damaged' });
    await expect(open({ 'unet/config.json': { ...unet, class_embed_type: 'timestep' } })).rejects.toMatchObject({
      code: 'not-this-family',
      facts: { key: 'class_embed_type' },
    });
  });

  it.each([
    ['my model.yaml', 'model:\n  params:\n    parameterization: "v"\n', 'v_prediction'],
    ['my model.yml', '    parameterization: eps # as 1.5\n', 'epsilon'],
    ['v2-inference-v.yaml', "  parameterization: 'v'", 'v_prediction'], // the only one
    ['my model.yaml', '  # parameterization: "v"\n', null],
    ['my model.txt', '  parameterization: "v"\n', null],
    ['my model.yaml', `  parameterization: "v"\n${' '.repeat(2 ** 20)}`, null],
  ])('what %s beside it says: %j', async (path, text, prediction) => {
    const file = goldenFile(golden, [...golden.ldm.keys()]);
    const given = [
      { path: 'my model.safetensors', file },
      { path, file: new Blob([text]) },
    ];
    expect((await openCheckpoint(given, tokenizer)).prediction).toBe(prediction);
  });

  it('what a single file says of its target', async () => {
    const keys = [...golden.ldm.keys()];
    const withMetadata = async (metadata: Record<string, string>, also: TensorToWrite[] = []) => {
      const source = await readSafetensors(goldenFile(golden, keys), 'x');
      const tensors = await Promise.all(
        keys.map(async (name) => ({
          name,
          dtype: source.dtype(name),
          shape: source.shape(name),
          data: await source.bytes(name),
        })),
      );
      return single(new Blob([writeSafetensors([...tensors, ...also], metadata)]));
    };
    const v = await withMetadata({ 'modelspec.architecture': 'stable-diffusion-v2-768-v' });
    expect(v.prediction).toBe('v_prediction');
    expect((await jsonOf(v, 'unet/config.json')).sample_size).toBe(96);
    expect((await withMetadata({ 'modelspec.prediction_type': 'epsilon' })).prediction).toBe('epsilon');
    const empty: TensorToWrite = { name: 'v_pred', dtype: 'F16', shape: [0], data: new Uint16Array() };
    expect((await withMetadata({}, [empty])).prediction).toBe('v_prediction');
    const zero = await withMetadata({}, [empty, { ...empty, name: 'ztsnr' }]);
    expect(await jsonOf(zero, 'scheduler/scheduler_config.json')).toMatchObject({ rescale_betas_zero_snr: true });
    const unknown = await single(goldenFile(golden, keys));
    expect((await jsonOf(unknown, 'scheduler/scheduler_config.json')).prediction_type).toBeUndefined();
  });
});
