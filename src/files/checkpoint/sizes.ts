// A model's tensors in; what their names and shapes tell of its structure, and every tensor that such a structure needs, out.
import type { UNetConfig } from '../../model/config.ts';
import { predictGraph } from '../../model/graphs.ts';
import { damaged } from '../safetensors-header.ts';
import type { Tensors } from './stored.ts';

export type UNetSizes = Pick<
  UNetConfig,
  | 'blockOutChannels'
  | 'layersPerBlock'
  | 'crossAttentionDim'
  | 'downBlockHasAttention'
  | 'upBlockHasAttention'
  | 'useLinearProjection'
>;
export interface VaeSizes {
  widths: number[]; // from full size to latent size
  layersPerBlock: number;
  latentChannels: number;
  midAttention: boolean;
  quantConv: boolean;
  postQuantConv: boolean;
}
export interface TextSizes {
  vocabSize: number;
  positions: number;
  width: number;
  mlpWidth: number;
  layers: number;
}
type Needed = Map<string, number[][]>; // each tensor with the shapes it may have

/** Dimension `dim` of a tensor that every model of this kind has. */
function dimension(what: string, tensors: Tensors, name: string, dim: number): number {
  const stored = tensors.get(name);
  const size = stored?.shape[dim];
  if (stored && size) return size;
  const file = [...tensors.values()][0]?.file.fileName ?? what;
  throw damaged(
    file,
    `a ${what} with ${name}`,
    stored ? `[${stored.shape}]` : `none among its ${tensors.size} tensors`,
  );
}

/** How many of `name(0)`, `name(1)`, … there are without a gap. */
function count(tensors: Tensors, name: (i: number) => string): number {
  let n = 0;
  while (tensors.has(name(n))) n++;
  return n;
}

export function unetSizes(tensors: Tensors): UNetSizes {
  const first = 'resnets.0.conv1.weight';
  const levels = count(tensors, (i) => `down_blocks.${i}.${first}`);
  const attends = (block: string) => tensors.has(`${block}.attentions.0.proj_in.weight`);
  const every = Array.from({ length: levels }, (_, i) => i);
  const middle = 'mid_block.attentions.0';
  dimension('U-Net', tensors, `down_blocks.0.${first}`, 0);
  return {
    blockOutChannels: every.map((i) => dimension('U-Net', tensors, `down_blocks.${i}.${first}`, 0)),
    layersPerBlock: count(tensors, (i) => `down_blocks.0.resnets.${i}.conv1.weight`),
    crossAttentionDim: dimension('U-Net', tensors, `${middle}.transformer_blocks.0.attn2.to_k.weight`, 1),
    downBlockHasAttention: every.map((i) => attends(`down_blocks.${i}`)),
    upBlockHasAttention: every.map((i) => attends(`up_blocks.${i}`)),
    useLinearProjection: tensors.get(`${middle}.proj_in.weight`)?.shape.length === 2,
  };
}

/** The graph itself says which weights it reads; a file has convolutions as (O, I, 3, 3), and a matrix may be a 1×1 convolution. */
export function unetNeeds(config: UNetConfig): Needed {
  const { graph } = predictGraph({ config, batch: 1, height: 8, width: 8, activations: 'f32', rank: 0 });
  const weights = graph.tensors.filter(({ kind }) => kind === 'weight');
  return new Map(
    weights.map(({ name, shape }) => {
      const [o = 0, i = 0] = shape;
      if (shape.length === 4) return [name, [[o, shape[3] as number, 3, 3]]];
      if (shape.length < 2) return [name, [[...shape]]];
      const convolves = /\.(conv_shortcut|proj_in|proj_out)\.weight$/.test(name);
      const linear = !convolves || (config.useLinearProjection && !name.endsWith('conv_shortcut.weight'));
      return [name, [linear ? [o, i] : [o, i, 1, 1]]];
    }),
  );
}

export function vaeSizes(tensors: Tensors): VaeSizes {
  const first = 'resnets.0.conv1.weight';
  const levels = count(tensors, (i) => `encoder.down_blocks.${i}.${first}`);
  dimension('VAE', tensors, `encoder.down_blocks.0.${first}`, 0);
  return {
    widths: Array.from({ length: levels }, (_, i) => dimension('VAE', tensors, `encoder.down_blocks.${i}.${first}`, 0)),
    layersPerBlock: count(tensors, (i) => `encoder.down_blocks.0.resnets.${i}.conv1.weight`),
    latentChannels: dimension('VAE', tensors, 'decoder.conv_in.weight', 1),
    midAttention: tensors.has('decoder.mid_block.attentions.0.to_q.weight'),
    quantConv: tensors.has('quant_conv.weight'),
    postQuantConv: tensors.has('post_quant_conv.weight'),
  };
}

export function vaeNeeds({ widths, layersPerBlock, latentChannels: latent, ...has }: VaeSizes): Needed {
  const needed: Needed = new Map();
  const layer = (name: string, ...shape: number[]) =>
    needed.set(`${name}.weight`, [shape]).set(`${name}.bias`, [[shape[0] as number]]);
  const conv = (name: string, from: number, to: number, size = 3) => layer(name, to, from, size, size);
  const resnet = (name: string, from: number, to: number) => {
    layer(`${name}.norm1`, from);
    conv(`${name}.conv1`, from, to);
    layer(`${name}.norm2`, to);
    conv(`${name}.conv2`, to, to);
    if (from !== to) conv(`${name}.conv_shortcut`, from, to, 1);
  };
  const top = widths.length - 1;
  const widest = widths[top] as number;
  const middle = (half: string) => {
    for (const i of [0, 1]) resnet(`${half}.mid_block.resnets.${i}`, widest, widest);
    if (!has.midAttention) return;
    const attention = `${half}.mid_block.attentions.0`;
    layer(`${attention}.group_norm`, widest);
    for (const name of ['to_q', 'to_k', 'to_v', 'to_out.0']) layer(`${attention}.${name}`, widest, widest);
  };
  /** One half's levels: `order` from its input to its output, the last without a resampler. */
  const levels = (half: string, way: 'down' | 'up', order: readonly number[], resnets: number) => {
    let width = order[0] as number;
    order.forEach((to, i) => {
      const block = `${half}.${way}_blocks.${i}`;
      for (let j = 0; j < resnets; j++) resnet(`${block}.resnets.${j}`, j === 0 ? width : to, to);
      if (i < top) conv(`${block}.${way}samplers.0.conv`, to, to);
      width = to;
    });
  };
  const bottom = widths[0] as number;
  conv('encoder.conv_in', 3, bottom);
  levels('encoder', 'down', widths, layersPerBlock);
  middle('encoder');
  layer('encoder.conv_norm_out', widest);
  conv('encoder.conv_out', widest, 2 * latent);
  conv('decoder.conv_in', latent, widest);
  middle('decoder');
  levels('decoder', 'up', widths.toReversed(), layersPerBlock + 1);
  layer('decoder.conv_norm_out', bottom);
  conv('decoder.conv_out', bottom, 3);
  if (has.quantConv) conv('quant_conv', 2 * latent, 2 * latent, 1);
  if (has.postQuantConv) conv('post_quant_conv', latent, latent, 1);
  return needed;
}

const TOKENS = 'text_model.embeddings.token_embedding.weight';

/** `layers`: as many as there are, unless the folder's config asks for fewer. */
export function textSizes(tensors: Tensors, layers?: unknown): TextSizes {
  const at = (name: string, dim: number) => dimension('text encoder', tensors, `text_model.${name}`, dim);
  const all = count(tensors, (i) => `text_model.encoder.layers.${i}.layer_norm1.weight`);
  return {
    vocabSize: dimension('text encoder', tensors, TOKENS, 0),
    width: dimension('text encoder', tensors, TOKENS, 1),
    positions: at('embeddings.position_embedding.weight', 0),
    mlpWidth: at('encoder.layers.0.mlp.fc1.weight', 0),
    layers: typeof layers === 'number' && Number.isInteger(layers) && layers >= 1 && layers < all ? layers : all,
  };
}

export function textNeeds({ vocabSize, positions, width, mlpWidth, layers }: TextSizes): Needed {
  const needed: Needed = new Map();
  const layer = (name: string, ...shape: number[]) =>
    needed.set(`text_model.${name}.weight`, [shape]).set(`text_model.${name}.bias`, [[shape[0] as number]]);
  needed.set(TOKENS, [[vocabSize, width]]);
  needed.set('text_model.embeddings.position_embedding.weight', [[positions, width]]);
  for (let i = 0; i < layers; i++) {
    const name = `encoder.layers.${i}`;
    for (const norm of ['layer_norm1', 'layer_norm2']) layer(`${name}.${norm}`, width);
    for (const p of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) layer(`${name}.self_attn.${p}`, width, width);
    layer(`${name}.mlp.fc1`, mlpWidth, width);
    layer(`${name}.mlp.fc2`, width, mlpWidth);
  }
  layer('final_layer_norm', width);
  return needed;
}
