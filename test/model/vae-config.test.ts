// A VAE's config: diffusers' defaults, and what is refused by name.
import { expect, it } from 'vitest';
import { downscaleOf, readVaeConfig } from '../../src/model/vae-config.ts';
import { EXTRA, readJson } from '../encoders/open.ts';

const config = readJson(`${EXTRA}/vae-old-names/config.json`);

it('reads what diffusers reads', () => {
  const read = readVaeConfig(config);
  expect(read).toMatchObject({ widths: [4, 8, 12], layersPerBlock: 2, groups: 4, latentChannels: 4, quantConv: true });
  expect(downscaleOf(read)).toBe(4);
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
])('refuses %s = %j by name', (key, value) => {
  expect(() => readVaeConfig({ ...config, [key]: value })).toThrow(
    expect.objectContaining({ code: 'not-this-family', facts: expect.objectContaining({ key }) }),
  );
});
