// transformer-block: diffusers' Transformer2DModel with one BasicTransformerBlock, in ops.
import type { Graph } from '../graph/graph.ts';
import { attention } from '../ops/attention.ts';
import { geglu } from '../ops/geglu.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { lastDim, type Tensor } from '../tensor/tensor.ts';
import { type LoraSpec, linearLayer } from './lora.ts';
import { groupNormLayer } from './resnet-block.ts';

/** x (B, H, W, C) → (B, H, W, C), reading the text: encoderHiddenStates (B, tokens, d). NHWC makes 1×1 and linear projections the same thing. */
export function transformer2d(
  g: Graph,
  name: string,
  x: Tensor,
  encoderHiddenStates: Tensor,
  heads: number,
  groups: number,
  lora?: LoraSpec,
): Tensor {
  return g.within(name, () => {
    const [b, h, w, c] = x.shape as [number, number, number, number];
    const normed = groupNormLayer(g, `${name}.norm`, x, groups, 1e-6, false);
    const tokens = linearLayer(g, `${name}.proj_in`, reshaped(normed, [b, h * w, c]), c, { lora });
    const mixed = basicTransformerBlock(g, `${name}.transformer_blocks.0`, tokens, encoderHiddenStates, heads, lora);
    const out = linearLayer(g, `${name}.proj_out`, mixed, c, { addend: reshaped(x, [b, h * w, c]), lora });
    return reshaped(out, x.shape);
  });
}

function basicTransformerBlock(
  g: Graph,
  name: string,
  x: Tensor,
  text: Tensor,
  heads: number,
  lora?: LoraSpec,
): Tensor {
  const c = lastDim(x.shape);
  const norm = (n: number, t: Tensor): Tensor => layerNormLayer(g, `${name}.norm${n}`, t);
  const one = norm(1, x);
  const afterSelf = attentionLayer(g, `${name}.attn1`, one, one, x, heads, lora);
  const afterText = attentionLayer(g, `${name}.attn2`, norm(2, afterSelf), text, afterSelf, heads, lora);
  const wide = linearLayer(g, `${name}.ff.net.0.proj`, norm(3, afterText), 8 * c, { lora });
  return linearLayer(g, `${name}.ff.net.2`, g.emit(geglu, { x: wide }).y as Tensor, c, { addend: afterText, lora });
}

function attentionLayer(
  g: Graph,
  name: string,
  x: Tensor,
  context: Tensor,
  residual: Tensor,
  heads: number,
  lora?: LoraSpec,
): Tensor {
  const c = lastDim(x.shape);
  const q = linearLayer(g, `${name}.to_q`, x, c, { bias: false, lora });
  const k = linearLayer(g, `${name}.to_k`, context, c, { bias: false, lora });
  const v = linearLayer(g, `${name}.to_v`, context, c, { bias: false, lora });
  const mixed = g.emit(attention, { q, k, v }, { heads }).y as Tensor;
  return linearLayer(g, `${name}.to_out.0`, mixed, c, { addend: residual, lora });
}

function layerNormLayer(g: Graph, name: string, x: Tensor): Tensor {
  const c = lastDim(x.shape);
  const gamma = g.param(`${name}.weight`, [c], 'weight', 'f16');
  const beta = g.param(`${name}.bias`, [c], 'weight', 'f16');
  return g.emit(layerNorm, { x, gamma, beta }, { eps: 1e-5 }).y as Tensor;
}

/** The same tensor under another shape: (B, H, W, C) and (B, H·W, C) are the same bytes. */
const reshaped = (t: Tensor, shape: readonly number[]): Tensor => ({ ...t, shape });
