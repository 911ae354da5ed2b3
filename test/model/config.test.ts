// unet/config.json: what is built is read, what is not is refused by its name.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseUNetConfig } from '../../src/model/config.ts';
import { Trouble } from '../../src/trouble.ts';

const demo = JSON.parse(readFileSync('public/models/demo/unet/config.json', 'utf8')) as Record<string, unknown>;
const sd15 = JSON.parse(readFileSync('test/golden/configs/sd15-unet.json', 'utf8')) as Record<string, unknown>;

function refusal(config: unknown): Trouble<'not-this-family'> {
  try {
    parseUNetConfig(config);
  } catch (error) {
    if (error instanceof Trouble && error.code === 'not-this-family') return error as Trouble<'not-this-family'>;
    throw error;
  }
  throw new Error('it was not refused');
}

test('Stable Diffusion 1.5 and the demo model', () => {
  expect(parseUNetConfig(sd15)).toMatchObject({
    blockOutChannels: [320, 640, 1280, 1280],
    layersPerBlock: 2,
    heads: [8, 8, 8, 8],
    crossAttentionDim: 768,
    downBlockHasAttention: [true, true, true, false],
    upBlockHasAttention: [false, true, true, true],
    useLinearProjection: false,
  });
  expect(parseUNetConfig(demo)).toMatchObject({ blockOutChannels: [64, 96, 160], normNumGroups: 16, heads: [4, 4, 4] });
});

describe('refused by name, with what was expected and what came', () => {
  test.each([
    ['in_channels', 9],
    ['in_channels', 8],
    ['act_fn', 'gelu'],
    ['class_embed_type', 'timestep'],
    ['addition_embed_type', 'text_time'],
    ['transformer_layers_per_block', [1, 2, 10]],
    ['num_attention_heads', 8],
    ['only_cross_attention', [true, true, false]],
    ['resnet_time_scale_shift', 'scale_shift'],
    ['time_embedding_type', 'fourier'],
    ['norm_eps', 1e-6],
    ['flip_sin_to_cos', false],
    ['mid_block_type', null],
    ['conv_in_kernel', 5],
    ['some_new_key', 3],
    ['block_out_channels', [64]],
    ['block_out_channels', [64, 96, 161]],
    ['attention_head_dim', [4, 5, 4]],
    ['down_block_types', ['CrossAttnDownBlock2D', 'AttnDownBlock2D', 'DownBlock2D']],
    ['up_block_types', ['UpBlock2D', 'CrossAttnUpBlock2D']],
    ['cross_attention_dim', '96'],
  ])('%s = %j', (key, value) => {
    const { facts, message } = refusal({ ...demo, [key]: value });
    expect(facts.key).toBe(key);
    expect(message).toContain(key);
    expect(facts.expected).not.toBe('');
  });

  test.each([null, [], 'text', 3])('no config at all: %j', (json) => {
    expect(refusal(json).facts.key).toBe('config');
  });

  test('another class', () => {
    expect(refusal({ ...demo, _class_name: 'UNet2DModel' }).facts).toMatchObject({
      key: '_class_name',
      got: '"UNet2DModel"',
    });
  });
});

test('a list that says the default on every level is the default; null where diffusers has null is too', () => {
  expect(() =>
    parseUNetConfig({
      ...demo,
      transformer_layers_per_block: [1, 1, 1],
      only_cross_attention: [false, false, false],
      layers_per_block: [1, 1, 1],
    }),
  ).not.toThrow();
});
