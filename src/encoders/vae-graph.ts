// A VAE's sizes and tensors in; its encoder (pixels → moments) and its decoder (latents → pixels) as ONNX graphs out. Any height and width.

import type { TensorSource } from '../tensor/tensor-source.ts';
import { OnnxGraph } from './onnx-graph.ts';
import { conv, downsample, groupNorm, midBlock, resnet, silu, upsample } from './vae-blocks.ts';
import type { VaeConfig } from './vae-config.ts';

/**
 * `input`: `pixels` (1×3×H×W, −1…1). `output`: `moments` (1×2C×H/f×W/f): C channels of mean, then C of log-variance, neither scaled nor clamped.
 * Throws Trouble 'file-damaged' for a missing or mis-shaped tensor.
 */
export function buildVaeEncoderGraph(config: VaeConfig, tensors: TensorSource): OnnxGraph {
  const { widths, groups, latentChannels } = config;
  const g = new OnnxGraph('vae', tensors);
  const moments = 2 * latentChannels;
  let width = widths[0]!;
  let x = conv(g, g.input('pixels', [1, 3, 'height', 'width']), 'encoder.conv_in', 3, width);
  widths.forEach((to, level) => {
    const block = `encoder.down_blocks.${level}`;
    for (let i = 0; i < config.layersPerBlock; i++) {
      x = resnet(g, x, `${block}.resnets.${i}`, width, to, groups);
      width = to;
    }
    if (level < widths.length - 1) x = downsample(g, x, `${block}.downsamplers.0`, width);
  });
  x = midBlock(g, x, 'encoder.mid_block', width, groups, config.midAttention);
  x = silu(g, groupNorm(g, x, 'encoder.conv_norm_out', width, groups));
  x = conv(g, x, 'encoder.conv_out', width, moments);
  if (config.quantConv) x = conv(g, x, 'quant_conv', moments, moments, 1);
  g.output('moments', x, [1, moments, 'latent_height', 'latent_width']);
  return g;
}

/**
 * `input`: `latents` (1×C×h×w), already divided by the scaling factor. `output`: `pixels` (1×3×h·f×w·f), about −1…1.
 * Throws Trouble 'file-damaged' for a missing or mis-shaped tensor.
 */
export function buildVaeDecoderGraph(config: VaeConfig, tensors: TensorSource): OnnxGraph {
  const { groups, latentChannels } = config;
  const widths = [...config.widths].reverse();
  const g = new OnnxGraph('vae', tensors);
  let width = widths[0]!;
  let x = g.input('latents', [1, latentChannels, 'latent_height', 'latent_width']);
  if (config.postQuantConv) x = conv(g, x, 'post_quant_conv', latentChannels, latentChannels, 1);
  x = conv(g, x, 'decoder.conv_in', latentChannels, width);
  x = midBlock(g, x, 'decoder.mid_block', width, groups, config.midAttention);
  widths.forEach((to, level) => {
    const block = `decoder.up_blocks.${level}`;
    for (let i = 0; i < config.layersPerBlock + 1; i++) {
      x = resnet(g, x, `${block}.resnets.${i}`, width, to, groups);
      width = to;
    }
    if (level < widths.length - 1) x = upsample(g, x, `${block}.upsamplers.0`, width);
  });
  x = silu(g, groupNorm(g, x, 'decoder.conv_norm_out', width, groups));
  g.output('pixels', conv(g, x, 'decoder.conv_out', width, 3), [1, 3, 'height', 'width']);
  return g;
}
