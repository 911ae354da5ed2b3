// What a model's tensors tell, and a folder's own config.json where there is one, in; the config that goes with the tensors out. A fact that
// tensors cannot tell (heads, norm groups, scales) is the folder's own, else Stable Diffusion's.
import { parseUNetConfig, type UNetConfig } from '../../model/config.ts';
import { Trouble } from '../../trouble.ts';
import { damaged } from '../safetensors-header.ts';
import type { TextSizes, UNetSizes, VaeSizes } from './sizes.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Family = 'sd1' | 'sd2';
export type Prediction = 'epsilon' | 'v_prediction' | null; // null: only a forward can tell

const blocks = (flags: readonly boolean[], way: 'Down' | 'Up') =>
  flags.map((attends) => `${attends ? 'CrossAttn' : ''}${way}Block2D`);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Trouble 'file-damaged' naming the config where it says something else than the tensors beside it. */
function agree(file: string, key: string, own: unknown, measured: unknown): void {
  if (own !== undefined && own !== null && !same(own, measured))
    throw damaged(file, `${key} ${JSON.stringify(measured)}, as the tensors have it`, JSON.stringify(own));
}

/** Stable Diffusion 2 is the one with linear projections. */
export const familyOf = (sizes: UNetSizes): Family => (sizes.useLinearProjection ? 'sd2' : 'sd1');

/** Stable Diffusion 1 has 8 heads everywhere, 2 heads of 64. Trouble 'not-this-family' for what we do not build. */
export function unetConfig(sizes: UNetSizes, own: Json | null): UNetConfig {
  const heads = familyOf(sizes) === 'sd1' ? 8 : sizes.blockOutChannels.map((width) => width / 64);
  const made = {
    attention_head_dim: heads,
    block_out_channels: sizes.blockOutChannels,
    cross_attention_dim: sizes.crossAttentionDim,
    down_block_types: blocks(sizes.downBlockHasAttention, 'Down'),
    layers_per_block: sizes.layersPerBlock,
    up_block_types: blocks(sizes.upBlockHasAttention, 'Up'),
    use_linear_projection: sizes.useLinearProjection,
  };
  // Attention in f32 is what we do anyway; Stable Diffusion 2.1 asks for it.
  const config = parseUNetConfig(own ? { ...own, upcast_attention: false } : made);
  for (const key of Object.keys(sizes) as (keyof UNetSizes)[]) agree('unet/config.json', key, config[key], sizes[key]);
  return config;
}

/** @param sampleSize side of the latents the model was trained at */
export const unetJson = (c: UNetConfig, sampleSize: unknown): Json => ({
  _class_name: 'UNet2DConditionModel',
  attention_head_dim: new Set(c.heads).size === 1 ? c.heads[0] : c.heads,
  block_out_channels: c.blockOutChannels,
  cross_attention_dim: c.crossAttentionDim,
  down_block_types: blocks(c.downBlockHasAttention, 'Down'),
  in_channels: c.inChannels,
  layers_per_block: c.layersPerBlock,
  norm_num_groups: c.normNumGroups,
  out_channels: c.outChannels,
  sample_size: sampleSize,
  up_block_types: blocks(c.upBlockHasAttention, 'Up'),
  use_linear_projection: c.useLinearProjection,
});

/** Values that say nothing: AutoencoderKL's own defaults, and keys that change no number here (`sample_size` is a tile's, we compute in f32). */
const VAE_SILENT: Json = {
  act_fn: 'silu',
  mid_block_add_attention: true,
  use_quant_conv: true,
  use_post_quant_conv: true,
};
const VAE_IGNORED = new Set(['sample_size', 'force_upcast']);

export function vaeJson(sizes: VaeSizes, own: Json | null): Json {
  const measured: Json = {
    block_out_channels: sizes.widths,
    down_block_types: sizes.widths.map(() => 'DownEncoderBlock2D'),
    in_channels: 3,
    latent_channels: sizes.latentChannels,
    layers_per_block: sizes.layersPerBlock,
    mid_block_add_attention: sizes.midAttention,
    out_channels: 3,
    up_block_types: sizes.widths.map(() => 'UpDecoderBlock2D'),
    use_post_quant_conv: sizes.postQuantConv,
    use_quant_conv: sizes.quantConv,
  };
  for (const [key, value] of Object.entries(measured)) agree('vae/config.json', key, own?.[key], value);
  const rest = Object.entries(own ?? {}).filter(([key]) => !key.startsWith('_') && !VAE_IGNORED.has(key));
  const said = Object.entries({
    norm_num_groups: 32,
    scaling_factor: 0.18215,
    ...Object.fromEntries(rest),
    ...measured,
  });
  return {
    _class_name: 'AutoencoderKL',
    ...Object.fromEntries(said.filter(([key, value]) => value !== null && !same(value, VAE_SILENT[key]))),
  };
}

/** CLIP's own code has heads of 64 in every size. */
export function textJson(sizes: TextSizes, family: Family, own: Json | null): Json {
  const file = 'text_encoder/config.json';
  const type = own?.model_type ?? 'clip_text_model';
  if (type !== 'clip_text_model')
    throw new Trouble('not-this-family', { key: 'model_type', expected: 'clip_text_model', got: JSON.stringify(type) });
  const measured: Json = {
    hidden_size: sizes.width,
    intermediate_size: sizes.mlpWidth,
    max_position_embeddings: sizes.positions,
    vocab_size: sizes.vocabSize,
  };
  for (const [key, value] of Object.entries(measured)) agree(file, key, own?.[key], value);
  const quantised = own?.quantization_config ?? null;
  if (quantised !== null)
    throw new Trouble('not-this-family', {
      key: 'quantization_config',
      expected: 'absent: F32, F16 or BF16 weights',
      got: JSON.stringify(quantised),
    });
  // Absent in a folder's own config, transformers' defaults hold, not those of the model.
  const fact = (key: string, absent: unknown, ours: unknown) => (own ? (own[key] ?? absent) : ours);
  return {
    ...measured,
    architectures: ['CLIPTextModel'],
    hidden_act: fact('hidden_act', 'quick_gelu', family === 'sd1' ? 'quick_gelu' : 'gelu'),
    layer_norm_eps: fact('layer_norm_eps', 1e-5, 1e-5),
    model_type: 'clip_text_model',
    num_attention_heads: fact('num_attention_heads', 8, sizes.width / 64),
    num_hidden_layers: sizes.layers,
  };
}

/** Schedulers that read `set_alpha_to_one` and `steps_offset` as our sampler does, with the default of the first. */
const SAMPLERS: Readonly<Record<string, boolean>> = { PNDMScheduler: false, DDIMScheduler: true, DDPMScheduler: true };

/**
 * The noise of Stable Diffusion 1 and 2, or the folder's own. What only its scheduler's class reads (a solver's order, how it spaces its
 * steps) is no fact of the model and is left away.
 */
export function schedulerJson(prediction: Prediction, own: Json | null, zeroTerminalSnr = false): Json {
  const like = own ? SAMPLERS[String(own._class_name)] : undefined;
  const kept = ['rescale_betas_zero_snr', 'thresholding', 'trained_betas'].filter((key) => own?.[key]);
  return {
    _class_name: 'PNDMScheduler',
    beta_end: own ? (own.beta_end ?? 0.02) : 0.012,
    beta_schedule: own ? (own.beta_schedule ?? 'linear') : 'scaled_linear',
    beta_start: own ? (own.beta_start ?? 0.0001) : 0.00085,
    clip_sample: false, // StableDiffusionPipeline forces it
    num_train_timesteps: own?.num_train_timesteps ?? 1000,
    ...(prediction && { prediction_type: prediction }),
    set_alpha_to_one: like === undefined ? false : (own?.set_alpha_to_one ?? like),
    steps_offset: like === undefined ? 1 : (own?.steps_offset ?? 0),
    ...(zeroTerminalSnr && { rescale_betas_zero_snr: true }),
    ...Object.fromEntries(kept.map((key) => [key, own?.[key]])),
  };
}

/** Stable Diffusion 1 pads a prompt with the end token, 2 with `!`. `special`: a folder's special_tokens_map.json, which wins in transformers. */
export function tokenizerJson(family: Family, own: Json | null, special: Json | null): Json {
  const end = '<|endoftext|>';
  const said = { ...own, ...special };
  const token = (key: string, otherwise: string) => {
    const value = said[key] ?? otherwise;
    return typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
  };
  return {
    add_prefix_space: own?.add_prefix_space === true,
    bos_token: token('bos_token', '<|startoftext|>'),
    eos_token: token('eos_token', end),
    model_max_length: own?.model_max_length ?? 77,
    pad_token: token('pad_token', own || special ? end : family === 'sd1' ? end : '!'),
    tokenizer_class: 'CLIPTokenizer',
    unk_token: token('unk_token', end),
  };
}

const PARTS: Json = {
  scheduler: ['diffusers', 'PNDMScheduler'],
  text_encoder: ['transformers', 'CLIPTextModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
  unet: ['diffusers', 'UNet2DConditionModel'],
  vae: ['diffusers', 'AutoencoderKL'],
};
export const modelIndex: Json = { _class_name: 'StableDiffusionPipeline', ...PARTS };
