// lora: a linear layer or convolution with or without an adapter, as graph: y = x Wᵀ + b + α/r · strength · (x Aᵀ) Bᵀ (arXiv 2106.09685); of a
// convolution A is one of the same size and stride with r outputs, B one of 1×1 (LoCon).
import type { Graph } from '../graph/graph.ts';
import { linear } from '../ops/linear.ts';
import { lastDim, type Tensor } from '../tensor/tensor.ts';
import type { UNetConfig } from './config.ts';

/** diffusers' train_dreambooth_lora.py adapts these four in every attention. */
export const ATTENTION_TARGETS = ['to_q', 'to_k', 'to_v', 'to_out.0'] as const;

/** kohya's networks.lora: every linear layer and 1×1 convolution of the Transformer2DModels. */
export const LINEAR_TARGETS = [...ATTENTION_TARGETS, 'proj_in', 'proj_out', 'ff.net.0.proj', 'ff.net.2'] as const;

/** The same with conv_dim: all of the ResnetBlock2Ds, Downsample2Ds and Upsample2Ds too. */
export const LOCON_TARGETS = [
  ...LINEAR_TARGETS,
  ...['conv1', 'conv2', 'conv_shortcut', 'time_emb_proj', 'conv'],
] as const;

/** Every linear layer and convolution of the U-Net, by the ends of their names: what other programs' adapters may change. */
export const EVERY_TARGET = [...LOCON_TARGETS, ...['conv_in', 'conv_out', 'linear_1', 'linear_2']] as const;

export interface LoraSpec {
  readonly rank: number;
  /** Names of modules, or what comes behind a dot at their ends. */
  readonly targets: readonly string[];
  /** α/r · strength, (1): an input, so that an adapter is weakened or switched off without a new plan. */
  readonly scale: Tensor;
}

/** Whether an adapter for `targets` changes this module. */
export const isTarget = (targets: readonly string[], name: string): boolean =>
  targets.some((target) => name === target || name.endsWith(`.${target}`));

/** Width of the kernel where diffusers has a convolution; undefined where it has a linear layer. */
export function kernelOf(
  name: string,
  { useLinearProjection }: Pick<UNetConfig, 'useLinearProjection'>,
): 1 | 3 | undefined {
  if (/(^|\.)conv(1|2|_in|_out)?$/.test(name)) return 3;
  const one = name.endsWith('.conv_shortcut') || (!useLinearProjection && /\.proj_(in|out)$/.test(name));
  return one ? 1 : undefined;
}

/** down and up of a module, by shape, where the adapter changes it. */
export function loraFactors(
  g: Graph,
  lora: LoraSpec | undefined,
  name: string,
  down: readonly number[],
  n: number,
): { down: Tensor; up: Tensor; scale: Tensor } | undefined {
  if (!lora || !isTarget(lora.targets, name)) return undefined;
  return {
    down: g.param(`${name}.lora.down`, [lora.rank, ...down], 'lora', 'f32'),
    up: g.param(`${name}.lora.up`, [n, lora.rank], 'lora', 'f32'),
    scale: lora.scale,
  };
}

export interface LinearOptions {
  bias?: boolean;
  addend?: Tensor | undefined;
  lora?: LoraSpec | undefined;
  /** The tensor to write, if it exists; not of an adapted layer. */
  y?: Tensor;
}

/** One nn.Linear (or 1×1 convolution) by its diffusers name: x (…, k) → (…, n). Adapted when it is one of the targets. */
export function linearLayer(
  g: Graph,
  name: string,
  x: Tensor,
  n: number,
  { bias = true, addend, lora, y }: LinearOptions = {},
): Tensor {
  const k = lastDim(x.shape);
  const w = g.matrix(`${name}.weight`, [n, k]);
  const b = bias ? g.param(`${name}.bias`, [n], 'weight', 'f16') : undefined;
  const factors = loraFactors(g, lora, name, [k], n);
  if (!factors) return g.emit(linear, { x, w, bias: b, addend }, {}, y ? { y } : {}).y as Tensor;
  const { down, up: low, scale } = factors;
  const { y: h } = g.emit(linear, { x, w: down });
  return g.emit(linear, { x, w, bias: b, down, h, low, scale, addend }).y as Tensor;
}
