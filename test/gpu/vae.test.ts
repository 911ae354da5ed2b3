// The VAE on the engine against diffusers' AutoencoderKL in f64: posterior and picture, f32 and f16; in bands the same bits; what f16 cannot hold.
import { beforeAll, describe, expect, test } from 'vitest';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Vae, type VaeOptions } from '../../src/gpu/vae.ts';
import { readVaeConfig } from '../../src/model/vae-config.ts';
import type { TensorSource } from '../../src/tensor/tensor-source.ts';
import { expectClose, expectFar } from '../check.ts';
import { changed, DEMO, EXTRA, larger, open, readJson, without } from '../encoders/open.ts';
import { testDevice } from './device.ts';

/** The issue's bars; f16's largest single error is at the edges of a picture. */
const BARS = { f32: { rel: 1e-4 }, f16: { rel: 5e-3 } };

let pipelines: Pipelines;
beforeAll(async () => {
  pipelines = new Pipelines(await testDevice());
});

interface Golden {
  config: Record<string, unknown>;
  tensors: SafetensorsFile;
  height: number; // of the picture
  width: number;
  of(key: 'pixels' | 'mean' | 'log_variance' | 'latents' | 'decoded'): Promise<Float32Array>;
}
async function extra(name: string, height: number, width: number, prefix = ''): Promise<Golden> {
  const file = await open(`${EXTRA}/${name}/expected.safetensors`);
  const tensors = await open(`${EXTRA}/${name}/model.safetensors`);
  const config = readJson(`${EXTRA}/${name}/config.json`);
  return { config, tensors, height, width, of: (key) => file.float32(prefix + key) };
}
async function demo(name: string, height: number, width: number): Promise<Golden> {
  const file = await open('test/golden/encoders.safetensors');
  const tensors = await open(`${DEMO}/vae/diffusion_pytorch_model.safetensors`);
  const of: Golden['of'] = (key) => file.float32(`vae.${name}.${key === 'log_variance' ? 'logvar' : key}`);
  return { config: readJson(`${DEMO}/vae/config.json`), tensors, height, width, of };
}
const narrow = (height: number, width: number) => extra('vae-sd15-narrow', height, width, `${height}x${width}.`);

async function run(golden: Golden, also: Partial<VaeOptions>, tensors: TensorSource = golden.tensors) {
  const config = readVaeConfig(golden.config);
  const lane = laneOf(pipelines.device);
  const vae = new Vae({ config, tensors, pipelines, lane, kernels: kernelsFor(true), ...also });
  const { height, width, of } = golden;
  const { mean, logVariance } = await vae.encode(await of('pixels'), height, width);
  const decoded = await vae.decode(await of('latents'), height / vae.downscale, width / vae.downscale);
  await vae.rest();
  return { mean, log_variance: logVariance, decoded: decoded.pixels, again: decoded.again };
}
const KEYS = ['mean', 'log_variance', 'decoded'] as const;
/** Each channel of a latent apart: a log-variance clamped at 20 would hide the others in one norm. */
async function held(golden: Golden, got: Awaited<ReturnType<typeof run>>, bar: { rel: number }): Promise<void> {
  for (const key of KEYS) {
    const want = await golden.of(key);
    const parts = key === 'decoded' ? 1 : 4;
    const part = (values: Float32Array, i: number) =>
      values.slice((i * values.length) / parts, ((i + 1) * values.length) / parts);
    for (let i = 0; i < parts; i++) expectClose(part(got[key], i), part(want, i), bar, `${key} ${i}`);
  }
}

describe.each(['f32', 'f16'] as const)('%s, as diffusers computes', (activations) => {
  test.each([
    ['the demo model, square', () => demo('square', 128, 128)],
    ['Stable Diffusion 1.5’s structure, 64 × 64 px', () => narrow(64, 64)],
    ['Stable Diffusion 1.5’s structure, 72 × 40 px', () => narrow(72, 40)],
  ])('%s', async (_, open) => {
    const golden = await open();
    await held(golden, await run(golden, { activations }), BARS[activations]);
  });
});
test.each([
  ['the demo model, wide', () => demo('wide', 96, 128)],
  ['three levels, old names, odd groups, log-variances past the clamp', () => extra('vae-old-names', 20, 28)],
  ['two levels, no attention, no quant convolutions', () => extra('vae-bare', 10, 6)],
])('f32: %s', async (_, open) => {
  const golden = await open();
  await held(golden, await run(golden, { activations: 'f32' }), BARS.f32);
});

test.each(['f32', 'f16'] as const)('%s: in bands of eight rows every bit is the same', async (activations) => {
  const golden = await narrow(72, 40);
  const plain = await run(golden, { activations });
  const banded = await run(golden, { activations, bandBytes: 1 });
  expect(banded).toEqual(plain);
});

test.each([
  'encoder.down_blocks.0.downsamplers.0.conv.weight',
  'encoder.down_blocks.1.resnets.0.conv_shortcut.weight',
  'encoder.mid_block.attentions.0.query.weight',
  'encoder.mid_block.attentions.0.group_norm.weight',
  'decoder.mid_block.attentions.0.proj_attn.weight',
  'decoder.up_blocks.0.upsamplers.0.conv.weight',
  'decoder.up_blocks.2.resnets.2.norm2.weight',
])('notices a change of 2 percent in %s', async (key) => {
  const golden = await extra('vae-old-names', 20, 28);
  const got = await run(golden, { activations: 'f32' }, changed(golden.tensors, key, { values: larger }));
  const shows = key.startsWith('encoder') ? 'mean' : 'decoded';
  expectFar(got[shows], await golden.of(shows), BARS.f32);
});

test('a picture that f16 cannot hold is drawn again in f32, and says so', async () => {
  const golden = await extra('vae-bare', 10, 6);
  // 100,000 at the way in, taken back where a norm has seen it: f16 ends at 65,504.
  const far = changed(golden.tensors, 'decoder.conv_in.bias', {
    values: (b) => b.map((v, i) => (i === 0 ? 6e4 : v * 2)),
  });
  const loud = changed(far, 'decoder.conv_in.weight', { values: (w) => w.map((v) => v * 3e4) });
  const f16 = await run(golden, { activations: 'f16' }, loud);
  const f32 = await run(golden, { activations: 'f32' }, loud);
  expect(f16.again).toBe(true);
  expect(f32.again).toBe(false);
  expect(f16.decoded.every(Number.isFinite)).toBe(true);
  expect(f16.decoded).toEqual(f32.decoded);
});

test('names a missing tensor and one of another shape', async () => {
  const golden = await demo('square', 128, 128);
  const key = 'encoder.mid_block.attentions.0.to_v.bias';
  await expect(run(golden, {}, without(golden.tensors, key))).rejects.toMatchObject({
    ...{ code: 'file-damaged', facts: { expected: `${key} [128]`, got: 'no such tensor' } },
  });
  const query = 'encoder.mid_block.attentions.0.to_q.weight';
  await expect(run(golden, {}, changed(golden.tensors, query, { shape: [128, 64] }))).rejects.toMatchObject({
    ...{ code: 'file-damaged', facts: { expected: `${query} [128,128] or [128,128,1,1]`, got: '[128,64]' } },
  });
});

test('refuses sizes that are no multiple of a latent, and too few values', async () => {
  const { config, tensors } = await extra('vae-old-names', 20, 28);
  const on = { pipelines, lane: laneOf(pipelines.device), kernels: kernelsFor(true) };
  const vae = new Vae({ config: readVaeConfig(config), tensors, ...on });
  await expect(vae.encode(new Float32Array(3 * 18 * 20), 18, 20)).rejects.toThrow('multiples of 4 px, got 18×20');
  await expect(vae.encode(new Float32Array(7), 20, 20)).rejects.toThrow('expected 1200 values');
});
