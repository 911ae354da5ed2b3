// The VAE's config.json in; the sizes of its graphs out. Anything that would compute something else is refused by name.
import { ConfigReader } from './config-reader.ts';

export interface VaeConfig {
  widths: number[]; // block_out_channels, from full size to latent size
  layersPerBlock: number;
  latentChannels: number;
  groups: number;
  midAttention: boolean;
  quantConv: boolean;
  postQuantConv: boolean;
  scalingFactor: number;
}

// Keys whose values this module reads or checks, and those that change nothing here: `sample_size` is only diffusers' tile size, and
// `force_upcast` asks for the f32 that we always compute in.
const KNOWN = new Set([
  'in_channels',
  'out_channels',
  'down_block_types',
  'up_block_types',
  'block_out_channels',
  'layers_per_block',
  'act_fn',
  'latent_channels',
  'norm_num_groups',
  'scaling_factor',
  'shift_factor',
  'latents_mean',
  'latents_std',
  'use_quant_conv',
  'use_post_quant_conv',
  'mid_block_add_attention',
  'sample_size',
  'force_upcast',
]);

/**
 * Reads what diffusers' AutoencoderKL reads, with its defaults. Throws Trouble 'not-this-family' for another class, block or activation, for
 * latents that are shifted or scaled per channel (not Stable Diffusion 1 or 2), and for keys that AutoencoderKL does not have.
 */
export function readVaeConfig(config: unknown): VaeConfig {
  const read = new ConfigReader('vae/config.json', config);
  read.oneOf('_class_name', 'AutoencoderKL');
  for (const key of read.keys()) {
    if (!key.startsWith('_') && !KNOWN.has(key) && read.get(key) !== null)
      throw read.refuse(key, 'absent', JSON.stringify(read.get(key)));
  }
  read.oneOf('in_channels', 3);
  read.oneOf('out_channels', 3);
  read.oneOf('act_fn', 'silu', 'swish'); // diffusers' two names for one function
  read.oneOf('shift_factor', null);
  read.oneOf('latents_mean', null);
  read.oneOf('latents_std', null);
  const result: VaeConfig = {
    widths: read.counts('block_out_channels', [64]),
    layersPerBlock: read.count('layers_per_block', 1),
    latentChannels: read.count('latent_channels', 4),
    groups: read.count('norm_num_groups', 32),
    midAttention: read.oneOf('mid_block_add_attention', true, false),
    quantConv: read.oneOf('use_quant_conv', true, false),
    postQuantConv: read.oneOf('use_post_quant_conv', true, false),
    scalingFactor: read.positive('scaling_factor', 0.18215),
  };
  checkBlocks(read, 'down_block_types', 'DownEncoderBlock2D', result.widths.length);
  checkBlocks(read, 'up_block_types', 'UpDecoderBlock2D', result.widths.length);
  const odd = result.widths.find((width) => width % result.groups !== 0);
  if (odd !== undefined)
    throw read.refuse('norm_num_groups', `a divisor of ${odd} (block_out_channels)`, String(result.groups));
  return result;
}

function checkBlocks(read: ConfigReader, key: string, only: string, levels: number): void {
  const types = read.get(key) ?? [only];
  if (!Array.isArray(types) || types.length !== levels || !types.every((type) => type === only)) {
    throw read.refuse(key, `${levels} × "${only}" (as many as block_out_channels)`, JSON.stringify(types));
  }
}

/** Pixels per latent, each way: every level but the last halves. */
export const downscaleOf = ({ widths }: VaeConfig): number => 2 ** (widths.length - 1);
