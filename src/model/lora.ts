// lora: a linear layer with or without an adapter, as graph: y = x Wᵀ + b + α/r · strength · (x Aᵀ) Bᵀ (arXiv 2106.09685).
import type { Graph } from '../graph/graph.ts';
import { linear } from '../ops/linear.ts';
import { lastDim, type Tensor } from '../tensor/tensor.ts';

/** diffusers' train_dreambooth_lora.py adapts these four in every attention. */
export const ATTENTION_TARGETS = ['to_q', 'to_k', 'to_v', 'to_out.0'] as const;

export interface LoraSpec {
  readonly rank: number;
  readonly targets: readonly string[];
  /** α/r · strength, (1): an input, so that an adapter is weakened or switched off without a new plan. */
  readonly scale: Tensor;
}

export interface LinearOptions {
  bias?: boolean;
  addend?: Tensor | undefined;
  lora?: LoraSpec | undefined;
}

/** One nn.Linear (or 1×1 convolution) by its diffusers name: x (…, k) → (…, n). Adapted when the name ends in one of the targets. */
export function linearLayer(
  g: Graph,
  name: string,
  x: Tensor,
  n: number,
  { bias = true, addend, lora }: LinearOptions = {},
): Tensor {
  const k = lastDim(x.shape);
  const w = g.matrix(`${name}.weight`, [n, k]);
  const b = bias ? g.param(`${name}.bias`, [n], 'weight', 'f16') : undefined;
  if (!lora?.targets.some((t) => name.endsWith(`.${t}`))) return g.emit(linear, { x, w, bias: b, addend }).y as Tensor;
  const down = g.param(`${name}.lora.down`, [lora.rank, k], 'lora', 'f32');
  const up = g.param(`${name}.lora.up`, [n, lora.rank], 'lora', 'f32');
  const { y: h } = g.emit(linear, { x, w: down });
  return g.emit(linear, { x, w, bias: b, down, h, low: up, scale: lora.scale, addend }).y as Tensor;
}
