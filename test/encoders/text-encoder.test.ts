// The text encoder against transformers' (goldens), on the demo model and on one of another shape; and what it refuses.
import { expect, it, vi } from 'vitest';
import { createTextEncoder } from '../../src/encoders/text-encoder.ts';
import type { TensorSource } from '../../src/tensor/tensor-source.ts';
import { expectClose, expectFar } from '../check.ts';
import { changed, DEMO, EXTRA, F32, larger, open, readJson, without } from './open.ts';

// The first session compiles 14 MB of WASM: 0.3 s alone, many times that on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const demoConfig = readJson(`${DEMO}/text_encoder/config.json`);
const demo = await open(`${DEMO}/text_encoder/model.safetensors`);
const golden = await open('test/golden/encoders.safetensors');
const geluConfig = readJson(`${EXTRA}/text-gelu/config.json`);
const gelu = await open(`${EXTRA}/text-gelu/model.safetensors`);
const geluExpected = await open(`${EXTRA}/text-gelu/expected.safetensors`);
const geluIds = Int32Array.from(await geluExpected.bytes('ids').then((b) => new Int32Array(b.buffer)));
const geluStates = await geluExpected.float32('hidden_states');

async function encodeOnce(
  config: unknown,
  tensors: TensorSource,
  ids: Int32Array,
  clipSkip?: number,
): Promise<Float32Array> {
  const encoder = await createTextEncoder(config, tensors, clipSkip);
  const states = await encoder.encode(ids);
  await encoder.release();
  return states;
}

it('computes what transformers computes on the demo model', async () => {
  const ids = new Int32Array((await golden.bytes('clip.ids')).buffer);
  const states = await golden.float32('clip.last_hidden_state'); // prompts×77×96
  const encoder = await createTextEncoder(demoConfig, demo);
  expect(encoder.width).toBe(96);
  const perPrompt = 77 * encoder.width;
  expect(ids.length).toBe(6 * 77);
  for (let i = 0; i < ids.length / 77; i++) {
    const got = await encoder.encode(ids.slice(i * 77, (i + 1) * 77));
    expectClose(got, states.slice(i * perPrompt, (i + 1) * perPrompt), F32, `prompt ${i}`);
  }
  await encoder.release();
});

it('computes what transformers computes with gelu, 5 heads of 8, another epsilon and the names of transformers 4', async () => {
  expectClose(await encodeOnce(geluConfig, gelu, geluIds), geluStates, F32);
});

it('clip skip 2 is what transformers has before its last layer, normed; the model has no third to leave out', async () => {
  const skipped = await encodeOnce(geluConfig, gelu, geluIds, 2);
  expectClose(skipped, await geluExpected.float32('hidden_states_skip_2'), F32);
  expectFar(skipped, geluStates, F32);
  const facts = { setting: 'clipSkip', got: '3' };
  await expect(createTextEncoder(geluConfig, gelu, 3)).rejects.toMatchObject({ code: 'bad-setting', facts });
});

it.each([
  'text_model.embeddings.token_embedding.weight',
  'text_model.embeddings.position_embedding.weight',
  'text_model.encoder.layers.0.self_attn.q_proj.weight',
  'text_model.encoder.layers.1.self_attn.k_proj.weight',
  'text_model.encoder.layers.1.self_attn.out_proj.bias',
  'text_model.encoder.layers.1.mlp.fc2.weight',
  'text_model.final_layer_norm.bias',
])('notices a change of 2 percent in %s', async (key) => {
  const states = await encodeOnce(geluConfig, changed(gelu, key, { values: larger }), geluIds);
  expectFar(states, geluStates, F32);
});

it.each([{ layer_norm_eps: 1e-5 }, { hidden_act: 'quick_gelu' }, { num_attention_heads: 4 }])(
  'notices another %j',
  async (other) => {
    expectFar(await encodeOnce({ ...geluConfig, ...other }, gelu, geluIds), geluStates, F32);
  },
);

it('lets no token see a later one', async () => {
  const encoder = await createTextEncoder(geluConfig, gelu);
  const before = await encoder.encode(geluIds);
  const after = await encoder.encode(geluIds.map((id, i) => (i < 40 ? id : (id + 7) % 300)));
  const prefix = 40 * encoder.width;
  expect(after.slice(0, prefix)).toEqual(before.slice(0, prefix)); // bitwise: masked weights are exactly zero
  expectFar(after.slice(prefix), before.slice(prefix), F32);
  await encoder.release();
});

it.each([
  ['model_type', 'siglip_text_model'],
  ['hidden_act', 'gelu_new'],
  ['architectures', ['CLIPVisionModel']],
  ['use_attention_mask', true],
  ['quantization_config', { bits: 4 }],
  ['num_attention_heads', 7],
  ['hidden_size', '40'],
  ['layer_norm_eps', 0],
])('refuses %s = %j by name', async (key, value) => {
  const work = createTextEncoder({ ...geluConfig, [key]: value }, gelu);
  await expect(work).rejects.toMatchObject({ code: 'not-this-family', facts: { key } });
});

it('refuses a config that is no object', async () => {
  await expect(createTextEncoder(null, gelu)).rejects.toMatchObject({ code: 'not-this-family' });
});

it('names a missing tensor', async () => {
  const key = 'encoder.layers.2.self_attn.v_proj.bias';
  await expect(createTextEncoder(demoConfig, without(demo, key))).rejects.toMatchObject({
    code: 'file-damaged',
    facts: {
      file: `${DEMO}/text_encoder/model.safetensors`,
      expected: `${key} of shape 96`,
      got: 'no such tensor',
    },
  });
});

it('names a tensor of another shape, the token table too', async () => {
  const fc1 = 'encoder.layers.0.mlp.fc1.weight';
  await expect(createTextEncoder(demoConfig, changed(demo, fc1, { shape: [96, 384] }))).rejects.toMatchObject({
    code: 'file-damaged',
    facts: { expected: `${fc1} of shape 384×96`, got: '96×384' },
  });
  await expect(createTextEncoder({ ...demoConfig, vocab_size: 49409 }, demo)).rejects.toMatchObject({
    code: 'file-damaged',
    facts: { expected: 'embeddings.token_embedding.weight of shape 49409×96', got: '49408×96' },
  });
});

it('names a tensor with too few values', async () => {
  const key = 'text_model.final_layer_norm.weight';
  const short = changed(gelu, key, { values: (values) => values.slice(1) });
  await expect(createTextEncoder(geluConfig, short)).rejects.toMatchObject({
    code: 'file-damaged',
    facts: { expected: `${key} of 40 values (40)`, got: '39 values' },
  });
});

it('refuses ids of another length or past the vocabulary', async () => {
  const encoder = await createTextEncoder(geluConfig, gelu);
  await expect(encoder.encode(geluIds.slice(1))).rejects.toThrow('expected 77 token ids, got 76');
  await expect(encoder.encode(geluIds.with(3, 300))).rejects.toThrow('from 0 to 299, got 300');
  await encoder.release();
});
