// The VAE against diffusers' (goldens), on the demo model and on two of other shapes; and what it refuses.
import { expect, it, vi } from 'vitest';
import { createVaeDecoder, createVaeEncoder, type Posterior } from '../../src/encoders/vae.ts';
import type { TensorSource } from '../../src/tensor/tensor-source.ts';
import { expectClose, expectFar } from '../check.ts';
import { changed, DEMO, EXTRA, F32, larger, open, readJson, without } from './open.ts';

// The first session compiles 14 MB of WASM: 0.3 s alone, many times that on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const demoConfig = readJson(`${DEMO}/vae/config.json`);
const demo = await open(`${DEMO}/vae/diffusion_pytorch_model.safetensors`);
const golden = await open('test/golden/encoders.safetensors');

async function encodeOnce(config: unknown, tensors: TensorSource, pixels: Float32Array, height: number, width: number) {
  const encoder = await createVaeEncoder(config, tensors);
  const posterior = await encoder.encode(pixels, height, width);
  await encoder.release();
  return posterior;
}
async function decodeOnce(
  config: unknown,
  tensors: TensorSource,
  latents: Float32Array,
  height: number,
  width: number,
) {
  const decoder = await createVaeDecoder(config, tensors);
  const pixels = await decoder.decode(latents, height, width);
  await decoder.release();
  return pixels;
}

it.each([
  ['square', 128, 128],
  ['wide', 96, 128],
])('computes what diffusers computes on the demo model: %s', async (name, height, width) => {
  const file = (key: string) => golden.float32(`vae.${name}.${key}`);
  const posterior = await encodeOnce(demoConfig, demo, await file('pixels'), height, width);
  expectClose(posterior.mean, await file('mean'), F32, 'mean');
  expectClose(posterior.logVariance, await file('logvar'), F32, 'log-variance');
  const pixels = await decodeOnce(demoConfig, demo, await file('latents'), height / 8, width / 8);
  expectClose(pixels, await file('decoded'), F32, 'decoded');
});

it('knows its scaling factor and how much smaller latents are', async () => {
  const encoder = await createVaeEncoder(demoConfig, demo);
  expect([encoder.scalingFactor, encoder.downscale]).toEqual([demoConfig.scaling_factor, 8]);
  await encoder.release();
});

const extra = async (name: string, height: number, width: number) => ({
  config: readJson(`${EXTRA}/${name}/config.json`),
  tensors: await open(`${EXTRA}/${name}/model.safetensors`),
  expected: await open(`${EXTRA}/${name}/expected.safetensors`),
  height,
  width,
});
const oldNames = await extra('vae-old-names', 20, 28);
const bare = await extra('vae-bare', 10, 6);
type Extra = typeof oldNames;

async function expectEncoded({ mean, logVariance }: Posterior, { expected }: Extra, check: typeof expectClose) {
  const want = { mean: await expected.float32('mean'), logVariance: await expected.float32('log_variance') };
  const plane = mean.length / 4;
  for (let channel = 0; channel < 4; channel++) {
    // Each apart: a log-variance clamped at 20 would hide the others in one norm.
    const part = (values: Float32Array) => values.slice(channel * plane, (channel + 1) * plane);
    check(part(mean), part(want.mean), F32, `mean ${channel}`);
    if (check === expectClose) check(part(logVariance), part(want.logVariance), F32, `log-variance ${channel}`);
  }
}
const encodeExtra = async ({ config, tensors, expected, height, width }: Extra, other = tensors as TensorSource) =>
  encodeOnce(config, other, await expected.float32('pixels'), height, width);
const decodeExtra = async ({ config, tensors, expected, height, width }: Extra, other = tensors as TensorSource) => {
  const scale = 2 ** ((config.block_out_channels as number[]).length - 1);
  return decodeOnce(config, other, await expected.float32('latents'), height / scale, width / scale);
};

it.each([
  ['three levels, two layers, attention by its old names, log-variances past the clamp', oldNames],
  ['two levels, no attention, no quant convolutions', bare],
])('computes what diffusers computes: %s', async (_, golden) => {
  await expectEncoded(await encodeExtra(golden), golden, expectClose);
  expectClose(await decodeExtra(golden), await golden.expected.float32('decoded'), F32, 'decoded');
});

it.each([
  'encoder.conv_in.weight',
  'encoder.down_blocks.0.downsamplers.0.conv.weight',
  'encoder.down_blocks.1.resnets.0.conv_shortcut.weight',
  'encoder.mid_block.attentions.0.query.weight',
  'encoder.mid_block.attentions.0.group_norm.weight',
  'encoder.conv_norm_out.bias',
  'quant_conv.weight',
])('notices a change of 2 percent in %s', async (key) => {
  const posterior = await encodeExtra(oldNames, changed(oldNames.tensors, key, { values: larger }));
  await expectEncoded(posterior, oldNames, expectFar);
});

it.each([
  'post_quant_conv.weight',
  'decoder.mid_block.attentions.0.key.weight',
  'decoder.mid_block.attentions.0.proj_attn.weight',
  'decoder.up_blocks.0.upsamplers.0.conv.weight',
  'decoder.up_blocks.2.resnets.2.norm2.weight',
  'decoder.conv_out.bias',
])('notices a change of 2 percent in %s', async (key) => {
  const pixels = await decodeExtra(oldNames, changed(oldNames.tensors, key, { values: larger }));
  expectFar(pixels, await oldNames.expected.float32('decoded'), F32);
});

it.each([
  ['_class_name', 'AutoencoderTiny'],
  ['in_channels', 4],
  ['act_fn', 'relu'],
  ['shift_factor', 0.1159],
  ['latents_mean', [0, 0, 0, 0]],
  ['down_block_types', ['DownEncoderBlock2D', 'AttnDownEncoderBlock2D', 'DownEncoderBlock2D']],
  ['up_block_types', ['UpDecoderBlock2D']],
  ['norm_num_groups', 5],
  ['block_out_channels', []],
  ['spatial_norm_dim', 8],
])('refuses %s = %j by name', async (key, value) => {
  const config = { ...oldNames.config, [key]: value };
  const refusal = { code: 'not-this-family', facts: { key } };
  await expect(createVaeEncoder(config, oldNames.tensors)).rejects.toMatchObject(refusal);
  await expect(createVaeDecoder(config, oldNames.tensors)).rejects.toMatchObject(refusal);
});

it('names a missing tensor and one of another shape', async () => {
  const key = 'decoder.mid_block.attentions.0.to_v.bias';
  await expect(createVaeDecoder(demoConfig, without(demo, key))).rejects.toMatchObject({
    code: 'file-damaged',
    facts: { expected: `${key} of shape 128`, got: 'no such tensor' },
  });
  const query = 'encoder.mid_block.attentions.0.to_q.weight';
  await expect(createVaeEncoder(demoConfig, changed(demo, query, { shape: [128, 64] }))).rejects.toMatchObject({
    code: 'file-damaged',
    facts: { expected: `${query} of shape 128×128 or 128×128×1×1`, got: '128×64' },
  });
});

it('refuses sizes that are no multiple of a latent, and too few values', async () => {
  const encoder = await createVaeEncoder(oldNames.config, oldNames.tensors);
  await expect(encoder.encode(new Float32Array(3 * 18 * 20), 18, 20)).rejects.toThrow('multiples of 4 px, got 18×20');
  await expect(encoder.encode(new Float32Array(7), 20, 20)).rejects.toThrow('= 1200 values, got 7');
  await encoder.release();
});
