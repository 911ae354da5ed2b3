// Files that are no Stable Diffusion 1 or 2 checkpoint, or not a whole one: each is refused by the name of what it is.
import { describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import { Trouble } from '../../src/trouble.ts';
import { componentTensors, FILE_NAMES, json, tensorsFile, tokenizer } from './checkpoint-folder.ts';
import { goldenData, goldenFile, ldmGolden } from './ldm-golden.ts';

vi.setConfig({ testTimeout: 60_000 });
const golden = ldmGolden('narrow-sd1');
const keys = [...golden.ldm.keys()].filter((key) => !key.startsWith('model_ema.'));
const refused = async (files: Record<string, Blob>): Promise<Trouble> => {
  const given = Object.entries(files).map(([path, file]) => ({ path, file }));
  const error: unknown = await openCheckpoint(given, tokenizer).then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(Trouble);
  return error as Trouble;
};
const kindOf = async (file: Blob, path = 'x.safetensors') => {
  const { code, facts } = (await refused({ [path]: file })) as Trouble<'not-a-checkpoint'>;
  expect(code).toBe('not-a-checkpoint');
  expect(facts.file).toBe(path);
  expect(facts.detail).not.toBe('');
  return facts.kind;
};
const tensor = (name: string, ...shape: number[]): TensorToWrite => {
  const size = shape.reduce((n, d) => n * d, 1);
  return { name, dtype: 'F16', shape, data: new Uint16Array(size) };
};
const named = (...names: string[]) => new Blob([writeSafetensors(names.map((name) => tensor(name, 1)))]);

/** The whole checkpoint with one tensor in another's place. */
const withTensor = (key: string, shape: number[] | null) =>
  tensorsFile([
    ...keys
      .filter((k) => k !== key)
      .map((k): TensorToWrite => {
        const { dtype, shape: s, index } = golden.ldm.get(k)!;
        return { name: k, dtype, shape: s, data: goldenData(index, s, dtype) };
      }),
    ...(shape ? [tensor(key, ...shape)] : []),
  ]);

describe('by its tensors', () => {
  const input = 'model.diffusion_model.input_blocks.0.0.weight';
  it.each([
    [9, 'inpainting'],
    [8, 'instruct-pix2pix'],
    [5, 'depth'],
    [7, 'unknown'],
  ])('a U-Net of %d input channels: %s', async (channels, kind) => {
    expect(await kindOf(withTensor(input, [32, channels, 3, 3]))).toBe(kind);
  });

  it.each([
    ['sdxl', ['conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight', input]],
    ['sdxl', ['model.diffusion_model.label_emb.0.0.weight', input]],
    ['newer-family', ['model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight']],
    ['newer-family', ['double_blocks.0.img_attn.qkv.weight']],
    ['newer-family', ['model.diffusion_model.double_blocks.0.img_attn.qkv.weight']],
    ['newer-family', ['transformer_blocks.0.attn1.to_q.weight']],
    ['lora', ['lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight']],
    ['lora', ['unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora.down.weight']],
    ['lora', ['base_model.model.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight']],
    ['lora', ['lora_unet_mid_block_attentions_0_proj_in.hada_w1_a']],
    [
      'video',
      [
        'model.diffusion_model.input_blocks.1.1.time_stack.0.norm1.weight',
        'model.diffusion_model.label_emb.0.0.weight',
      ],
    ],
    ['video', ['down_blocks.0.motion_modules.0.temporal_transformer.norm.weight']],
    ['image-prompt', ['embedder.model.visual.conv1.weight', 'model.diffusion_model.label_emb.0.0.weight']],
    ['upscaler', ['model.diffusion_model.label_emb.weight', 'low_scale_model.betas']],
    ['controlnet', ['control_model.input_blocks.0.0.weight']],
    ['controlnet', ['controlnet_cond_embedding.conv_in.weight', 'down_blocks.0.resnets.0.conv1.weight']],
    ['textual-inversion', ['emb_params']],
    ['textual-inversion', ['<cat-toy>']],
    ['incomplete', ['down_blocks.0.resnets.0.conv1.weight', 'conv_in.weight']],
    ['incomplete', ['encoder.down.0.block.0.conv1.weight']],
    ['incomplete', ['text_model.embeddings.token_embedding.weight']],
    ['unknown', ['wte.weight', 'wpe.weight']],
  ])('%s: %s', async (kind, names) => {
    expect(await kindOf(named(...names))).toBe(kind);
  });

  it.each([
    ['FLUX', ['double_blocks.0.img_attn.qkv.weight', 'guidance_in.in_layer.weight']],
    ['Stable Diffusion 3', ['model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight']],
    ['the refiner of Stable Diffusion XL', ['conditioner.embedders.0.model.ln_final.weight']],
    [undefined, ['conditioner.embedders.0.transformer.x', 'conditioner.embedders.1.model.ln_final.weight']], // the whole XL
    [undefined, ['double_blocks.0.img_attn.qkv.weight', 'distilled_guidance_layer.in_proj.weight']], // a relative of FLUX
  ])('%s by name: %s', async (name, names) => {
    const { facts } = (await refused({ 'x.safetensors': named(...names) })) as Trouble<'not-a-checkpoint'>;
    expect(facts.name).toBe(name);
  });

  it.each(['first_stage_model.', 'cond_stage_model.'])('a checkpoint without %s* is incomplete', async (prefix) => {
    expect(
      await kindOf(
        goldenFile(
          golden,
          keys.filter((key) => !key.startsWith(prefix)),
        ),
      ),
    ).toBe('incomplete');
  });

  it('a tensor that is missing is named, with how many there are', async () => {
    const gone = /output_blocks\.1\.0\.(in|out)_layers\.0/;
    const { code, facts } = await refused({
      'x.safetensors': goldenFile(
        golden,
        keys.filter((key) => !gone.test(key)),
      ),
    });
    expect(code).toBe('file-damaged');
    expect(facts).toMatchObject({
      file: 'x.safetensors',
      expected: '324 tensors of a U-Net',
      got: '4 missing, the first “up_blocks.0.resnets.1.norm1.weight”',
    });
  });

  it('a tensor of another shape, one that comes twice, and numbers of another kind', async () => {
    const key = 'model.diffusion_model.out.2.weight';
    const shape = await refused({ 'x.safetensors': withTensor(key, [4, 16, 3, 3]) });
    expect(shape.facts).toMatchObject({ expected: 'conv_out.weight [4,32,3,3]', got: '[4,16,3,3]' });
    const twice = await refused({ 'x.safetensors': withTensor(`state_dict.${key}`, [4, 32, 3, 3]) });
    expect(twice.facts).toMatchObject({ got: `two: “${key}” and “state_dict.${key}”` });
    const eight: TensorToWrite = { name: key, dtype: 'F8_E4M3', shape: [4, 32, 3, 3], data: new Uint8Array(1152) };
    const rest = keys
      .filter((k) => k !== key)
      .map((k) => ({ ...golden.ldm.get(k)!, name: k }))
      .map(
        ({ name, dtype, shape: s, index }): TensorToWrite => ({
          name,
          dtype,
          shape: s,
          data: goldenData(index, s, dtype),
        }),
      );
    expect((await refused({ 'x.safetensors': tensorsFile([...rest, eight]) })).code).toBe('not-this-family');
  });
});

describe('by its first bytes', () => {
  const text = (s: string) => new Blob([s.padEnd(300, '\n')]);
  it('a pickle, old or new, whatever it is called; a GGUF file', async () => {
    expect(await kindOf(text('PK\u0003\u0004'), 'model.ckpt')).toBe('pickle');
    expect(await kindOf(new Blob([Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46)]), 'm.safetensors')).toBe(
      'pickle',
    );
    expect(await kindOf(text('GGUF'), 'm.gguf')).toBe('gguf');
  });

  it('a safetensors file whose header length begins like a pickle is none', async () => {
    const long = named('x'.repeat(600), 'wte.weight');
    const bytes = new Uint8Array(await long.arrayBuffer());
    const wanted = 0x0380;
    const header = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const padded = new Uint8Array(bytes.length + wanted - header).fill(0x20);
    padded.set(bytes.subarray(0, 8 + header));
    padded.set(bytes.subarray(8 + header), 8 + wanted);
    new DataView(padded.buffer).setBigUint64(0, BigInt(wanted), true);
    expect([padded[0], padded[1]]).toEqual([0x80, 3]);
    expect(await kindOf(new Blob([padded]))).toBe('unknown');
  });

  it('a page, a Git LFS pointer, nothing at all are damaged files', async () => {
    for (const [content, got] of [
      ['<!doctype html><html>', /HTML/],
      ['version https://git-lfs.github.com/spec/v1', /git-lfs/],
    ] as const) {
      const { code, facts } = (await refused({ 'x.safetensors': text(content) })) as Trouble<'file-damaged'>;
      expect(code).toBe('file-damaged');
      expect(facts.got).toMatch(got);
    }
    expect((await refused({ 'x.safetensors': new Blob([]) })).code).toBe('file-damaged');
  });
});

describe('a folder', () => {
  const part = (component: 'unet' | 'vae' | 'text_encoder') => tensorsFile(componentTensors(golden, component));
  const whole = {
    [`m/${FILE_NAMES.unet}`]: part('unet'),
    [`m/${FILE_NAMES.vae}`]: part('vae'),
    [`m/${FILE_NAMES.text_encoder}`]: part('text_encoder'),
  };

  it('without a part, or with pickles for one', async () => {
    const { [`m/${FILE_NAMES.vae}`]: _, ...rest } = whole;
    expect((await refused(rest)).facts).toMatchObject({ kind: 'incomplete', file: 'vae' });
    const pickle = 'vae/diffusion_pytorch_model.bin';
    expect((await refused({ ...rest, [`m/${pickle}`]: new Blob(['PK']) })).facts).toMatchObject({
      kind: 'pickle',
      file: pickle,
    });
  });

  it('of another family', async () => {
    expect((await refused({ ...whole, 'm/text_encoder_2/model.safetensors': new Blob() })).facts).toMatchObject({
      kind: 'sdxl',
    });
    const transformer = { 'f/model_index.json': json({}), 'f/transformer/model.safetensors': new Blob() };
    expect((await refused(transformer)).facts).toMatchObject({ kind: 'newer-family' });
    const nine = componentTensors(golden, 'unet').map((t) =>
      t.name === 'conv_in.weight' ? tensor(t.name, 32, 9, 3, 3) : t,
    );
    expect((await refused({ ...whole, [`m/${FILE_NAMES.unet}`]: tensorsFile(nine) })).facts).toMatchObject({
      kind: 'inpainting',
    });
  });

  it('in shards: all of them are one model, one fewer is a damaged one', async () => {
    const tensors = componentTensors(golden, 'unet');
    const { [`m/${FILE_NAMES.unet}`]: _, ...rest } = whole;
    const shard = (n: number) => `m/unet/diffusion_pytorch_model-0000${n}-of-00002.safetensors`;
    const first = { ...rest, [shard(1)]: tensorsFile(tensors.slice(0, 100)) };
    const second = { [shard(2)]: tensorsFile(tensors.slice(100)) };
    const given = Object.entries({ ...first, ...second }).map(([path, file]) => ({ path, file }));
    expect((await openCheckpoint(given, tokenizer)).layout).toBe('diffusers');
    expect((await refused(first)).facts).toMatchObject({ expected: '2 shards of unet', got: '1 of them' });
  });

  it('with a config that is none', async () => {
    for (const config of ['[]', 'null', '{"a":', `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`]) {
      const { code, facts } = await refused({ ...whole, 'm/unet/config.json': new Blob([config]) });
      expect(code).toBe('file-damaged');
      expect(facts).toMatchObject({ file: 'unet/config.json' });
    }
  });

  it('nothing, or several files that are no folder', async () => {
    expect((await refused({})).code).toBe('not-a-checkpoint');
    expect((await refused({ 'a.safetensors': named('a'), 'b.safetensors': named('b') })).facts).toMatchObject({
      kind: 'incomplete',
    });
  });
});
