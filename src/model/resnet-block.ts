// resnet-block: diffusers' ResnetBlock2D and the convolutions between levels, in ops.
import type { Graph } from '../graph/graph.ts';
import { concat } from '../ops/concat.ts';
import { conv2d } from '../ops/conv2d.ts';
import { groupNorm } from '../ops/group-norm.ts';
import { upsampleNearest } from '../ops/upsample-nearest.ts';
import { lastDim, type Tensor } from '../tensor/tensor.ts';
import { type LoraSpec, linearLayer, loraFactors } from './lora.ts';

/** GroupNorm by its diffusers name, with SiLU on request: x (B, H, W, C). */
export function groupNormLayer(g: Graph, name: string, x: Tensor, groups: number, eps: number, silu: boolean): Tensor {
  const c = lastDim(x.shape);
  const gamma = g.param(`${name}.weight`, [c], 'weight', 'f16');
  const beta = g.param(`${name}.bias`, [c], 'weight', 'f16');
  return g.emit(groupNorm, { x, gamma, beta }, { groups, eps, silu }).y as Tensor;
}

/** nn.Conv2d 3×3, padding 1: x (B, H, W, I) → (B, H/stride, W/stride, O). Weights are kept as (O, 3, 3, I). */
export function convLayer(
  g: Graph,
  name: string,
  x: Tensor,
  o: number,
  {
    stride = 1,
    rowBias,
    addend,
    outputs = {},
    lora,
  }: {
    stride?: number;
    rowBias?: Tensor;
    addend?: Tensor;
    outputs?: { y?: Tensor };
    lora?: LoraSpec | undefined;
  } = {},
): Tensor {
  const i = lastDim(x.shape);
  const w = g.matrix(`${name}.weight`, [o, 3, 3, i]);
  const bias = g.param(`${name}.bias`, [o], 'weight', 'f16');
  const { down, up: low, scale } = loraFactors(g, lora, name, [3, 3, i], o) ?? {};
  const h = down && (g.emit(conv2d, { x, w: down }, { stride }).y as Tensor);
  const inputs = { x, w, bias, rowBias, h, low, scale, addend };
  return g.emit(conv2d, inputs, { stride }, outputs as Record<string, Tensor>).y as Tensor;
}

/** @param temb silu of the time embedding, (B, 4·C₀); each block projects it to its own width and adds it to every pixel. */
export function resnetBlock(
  g: Graph,
  name: string,
  x: Tensor,
  o: number,
  temb: Tensor,
  groups: number,
  lora?: LoraSpec,
): Tensor {
  return g.within(name, () => {
    const time = linearLayer(g, `${name}.time_emb_proj`, temb, o, { lora });
    const h = convLayer(g, `${name}.conv1`, groupNormLayer(g, `${name}.norm1`, x, groups, 1e-5, true), o, {
      rowBias: time,
      lora,
    });
    const shortcut = lastDim(x.shape) === o ? x : linearLayer(g, `${name}.conv_shortcut`, x, o, { lora });
    return convLayer(g, `${name}.conv2`, groupNormLayer(g, `${name}.norm2`, h, groups, 1e-5, true), o, {
      addend: shortcut,
      lora,
    });
  });
}

/** Downsample2D: a convolution of stride 2. */
export const downsample = (g: Graph, name: string, x: Tensor, lora?: LoraSpec): Tensor =>
  g.within(name, () => convLayer(g, `${name}.conv`, x, lastDim(x.shape), { stride: 2, lora }));

/** Upsample2D to the size of the skip that comes next (twice the size, unless the latents do not divide evenly). */
export function upsample(g: Graph, name: string, x: Tensor, height: number, width: number, lora?: LoraSpec): Tensor {
  return g.within(name, () => {
    const wide = g.emit(upsampleNearest, { x }, { height, width }).y as Tensor;
    return convLayer(g, `${name}.conv`, wide, lastDim(x.shape), { lora });
  });
}

/** torch.cat([hidden, skip], dim=1), channels last here. */
export const concatSkip = (g: Graph, name: string, x: Tensor, skip: Tensor): Tensor =>
  g.within(name, () => g.emit(concat, { a: x, b: skip }).y as Tensor);
