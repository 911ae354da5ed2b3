// config: diffusers' unet/config.json → what unet.ts builds. Whatever we do not build is refused by its name, never ignored.
import { Trouble } from '../trouble.ts';

export interface UNetConfig {
  inChannels: number;
  outChannels: number;
  blockOutChannels: number[];
  layersPerBlock: number;
  normNumGroups: number;
  crossAttentionDim: number;
  /** Heads per level. diffusers' `attention_head_dim` *is* the number of heads in SD 1.x and 2.x. */
  heads: number[];
  downBlockHasAttention: boolean[];
  upBlockHasAttention: boolean[];
  useLinearProjection: boolean;
}

/** UNet2DConditionModel's own defaults (diffusers 0.42): a key that has this value, or is absent, changes nothing. */
const DEFAULTS: Record<string, unknown> = {
  act_fn: 'silu',
  addition_embed_type: null,
  addition_embed_type_num_heads: 64,
  addition_time_embed_dim: null,
  attention_type: 'default',
  center_input_sample: false,
  class_embed_type: null,
  class_embeddings_concat: false,
  conv_in_kernel: 3,
  conv_out_kernel: 3,
  cross_attention_norm: null,
  downsample_padding: 1,
  dropout: 0,
  dual_cross_attention: false,
  encoder_hid_dim: null,
  encoder_hid_dim_type: null,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  mid_block_only_cross_attention: null,
  mid_block_scale_factor: 1,
  mid_block_type: 'UNetMidBlock2DCrossAttn',
  norm_eps: 1e-5,
  num_attention_heads: null,
  num_class_embeds: null,
  only_cross_attention: false,
  out_channels: 4,
  projection_class_embeddings_input_dim: null,
  resnet_out_scale_factor: 1,
  resnet_skip_time_act: false,
  resnet_time_scale_shift: 'default',
  reverse_transformer_layers_per_block: null,
  time_cond_proj_dim: null,
  time_embedding_act_fn: null,
  time_embedding_dim: null,
  time_embedding_type: 'positional',
  timestep_post_act: null,
  transformer_layers_per_block: 1,
  upcast_attention: false,
};
const BUILT = [
  'block_out_channels',
  'layers_per_block',
  'norm_num_groups',
  'cross_attention_dim',
  'attention_head_dim',
  'down_block_types',
  'up_block_types',
  'use_linear_projection',
  'sample_size',
];

const refuse = (key: string, expected: string, got: unknown): never => {
  const shown = JSON.stringify(got) ?? 'nothing';
  throw new Trouble(
    'not-this-family',
    { key, expected, got: shown },
    `unet/config.json: ${key} must be ${expected}, it is ${shown}`,
  );
};

/** @throws Trouble 'not-this-family' naming the key, what is supported and what came. */
export function parseUNetConfig(json: unknown): UNetConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return refuse('config', 'an object', json);
  const c = json as Record<string, unknown>;
  if (c._class_name !== undefined && c._class_name !== 'UNet2DConditionModel')
    refuse('_class_name', 'UNet2DConditionModel', c._class_name);
  for (const [key, value] of Object.entries(c)) {
    if (key.startsWith('_') || BUILT.includes(key)) continue;
    if (!(key in DEFAULTS)) {
      if (value !== null) refuse(key, 'absent: this key is not known', value);
    } else if (value !== DEFAULTS[key] && !everyEqual(value, DEFAULTS[key]))
      refuse(key, `${JSON.stringify(DEFAULTS[key])} (diffusers' default)`, value);
  }
  const blockOutChannels = wholeNumbers('block_out_channels', c.block_out_channels ?? [320, 640, 1280, 1280]);
  const levels = blockOutChannels.length;
  if (levels < 2 || levels > 4) refuse('block_out_channels', '2 to 4 levels', c.block_out_channels);
  const normNumGroups = wholeNumber('norm_num_groups', c.norm_num_groups ?? 32);
  for (const width of blockOutChannels)
    if (width % normNumGroups !== 0)
      refuse('block_out_channels', `multiples of norm_num_groups = ${normNumGroups}`, blockOutChannels);
  const heads = perLevel('attention_head_dim', c.attention_head_dim ?? 8, levels);
  heads.forEach((h, i) => {
    if ((blockOutChannels[i] as number) % h !== 0)
      refuse('attention_head_dim', `a number of heads that divides ${blockOutChannels[i]} channels`, h);
  });
  const layers = perLevel('layers_per_block', c.layers_per_block ?? 2, levels);
  if (new Set(layers).size > 1) refuse('layers_per_block', 'the same on every level', c.layers_per_block);
  return {
    inChannels: 4,
    outChannels: 4,
    blockOutChannels,
    layersPerBlock: layers[0] as number,
    normNumGroups,
    crossAttentionDim: wholeNumber('cross_attention_dim', c.cross_attention_dim ?? 1280),
    heads,
    downBlockHasAttention: attentionFlags(
      'down_block_types',
      c.down_block_types ?? DEFAULT_DOWN,
      levels,
      'CrossAttnDownBlock2D',
      'DownBlock2D',
    ),
    upBlockHasAttention: attentionFlags(
      'up_block_types',
      c.up_block_types ?? DEFAULT_UP,
      levels,
      'CrossAttnUpBlock2D',
      'UpBlock2D',
    ),
    useLinearProjection: c.use_linear_projection === true,
  };
}
const DEFAULT_DOWN = ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'];
const DEFAULT_UP = ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'];

/** A list that says the default once per level says the default. */
const everyEqual = (value: unknown, expected: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((v) => v === expected);

const isCount = (v: unknown): v is number => typeof v === 'number' && Number.isInteger(v) && v >= 1;
const wholeNumber = (key: string, v: unknown): number => (isCount(v) ? v : refuse(key, 'a whole number ≥ 1', v));
const wholeNumbers = (key: string, v: unknown): number[] =>
  Array.isArray(v) && v.length > 0 && v.every(isCount)
    ? (v as number[])
    : refuse(key, 'a list of whole numbers ≥ 1', v);

function perLevel(key: string, v: unknown, levels: number): number[] {
  const list = Array.isArray(v) ? wholeNumbers(key, v) : Array.from({ length: levels }, () => wholeNumber(key, v));
  return list.length === levels ? list : refuse(key, `one number, or one for each of ${levels} levels`, v);
}

function attentionFlags(key: string, v: unknown, levels: number, withAttention: string, without: string): boolean[] {
  if (!Array.isArray(v) || v.length !== levels) return refuse(key, `${levels} block types, one for each level`, v);
  return v.map((type: unknown) =>
    type === withAttention ? true : type === without ? false : refuse(key, `${withAttention} or ${without}`, type),
  );
}
