// unet: diffusers' UNet2DConditionModel, top to bottom, in ops. sample (B, h, w, 4), time features (B, C₀), text (B, tokens, d) → noise_pred (B, h, w, 4).
import type { Graph } from '../graph/graph.ts';
import { silu } from '../ops/silu.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { UNetConfig } from './config.ts';
import { type LoraSpec, linearLayer } from './lora.ts';
import { concatSkip, convLayer, downsample, groupNormLayer, resnetBlock, upsample } from './resnet-block.ts';
import { transformer2d } from './transformer-block.ts';

export interface UNetTensors {
  sample: Tensor; // (B, h, w, 4)
  timeFeatures: Tensor; // (B, C₀): sin and cos of the timestep, from the CPU (model/time-features.ts)
  encoderHiddenStates: Tensor; // (B, tokens, d)
}

/** Emits the forward pass; weights are declared as parameters under diffusers' keys. `noisePred` names the tensor to write, if it exists. */
export function unet(
  g: Graph,
  config: UNetConfig,
  { sample, timeFeatures, encoderHiddenStates }: UNetTensors,
  lora?: LoraSpec,
  noisePred?: Tensor,
): Tensor {
  const { blockOutChannels: widths, layersPerBlock, normNumGroups: groups, heads } = config;
  const top = widths.length - 1;
  const temb = timeEmbedding(g, timeFeatures, 4 * (widths[0] as number), lora);
  const resnet = (name: string, x: Tensor, o: number): Tensor => resnetBlock(g, name, x, o, temb, groups, lora);
  const transformer = (name: string, x: Tensor, level: number): Tensor =>
    transformer2d(g, name, x, encoderHiddenStates, heads[level] as number, groups, lora);

  let x = g.within('conv_in', () => convLayer(g, 'conv_in', sample, widths[0] as number, { lora }));
  const skips = [x];
  for (let level = 0; level <= top; level++) {
    const block = `down_blocks.${level}`;
    for (let i = 0; i < layersPerBlock; i++) {
      x = resnet(`${block}.resnets.${i}`, x, widths[level] as number);
      if (config.downBlockHasAttention[level]) x = transformer(`${block}.attentions.${i}`, x, level);
      skips.push(x);
    }
    if (level < top) {
      x = downsample(g, `${block}.downsamplers.0`, x, lora);
      skips.push(x);
    }
  }

  x = resnet('mid_block.resnets.0', x, widths[top] as number);
  x = transformer('mid_block.attentions.0', x, top);
  x = resnet('mid_block.resnets.1', x, widths[top] as number);

  for (let i = 0; i <= top; i++) {
    const block = `up_blocks.${i}`;
    const level = top - i;
    for (let j = 0; j <= layersPerBlock; j++) {
      const name = `${block}.resnets.${j}`;
      x = resnet(name, concatSkip(g, name, x, skips.pop() as Tensor), widths[level] as number);
      if (config.upBlockHasAttention[i]) x = transformer(`${block}.attentions.${j}`, x, level);
    }
    if (i < top) {
      const [, height, width] = (skips[skips.length - 1] as Tensor).shape as [number, number, number];
      x = upsample(g, `${block}.upsamplers.0`, x, height, width, lora);
    }
  }
  return g.within('conv_out', () =>
    convLayer(g, 'conv_out', groupNormLayer(g, 'conv_norm_out', x, groups, 1e-5, true), config.outChannels, {
      lora,
      ...(noisePred && { outputs: { y: noisePred } }),
    }),
  );
}

/** TimestepEmbedding, and the SiLU that every resnet would otherwise apply to it again. */
function timeEmbedding(g: Graph, features: Tensor, width: number, lora?: LoraSpec): Tensor {
  return g.within('time_embedding', () => {
    const hidden = g.emit(silu, { x: linearLayer(g, 'time_embedding.linear_1', features, width, { lora }) })
      .y as Tensor;
    return g.emit(silu, { x: linearLayer(g, 'time_embedding.linear_2', hidden, width, { lora }) }).y as Tensor;
  });
}
