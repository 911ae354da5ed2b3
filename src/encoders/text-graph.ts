// A text encoder's sizes and tensors in; CLIP's transformer as an ONNX graph out: embeddings (positions×width) → hidden states (positions×width).

import type { TensorSource } from '../tensor/tensor-source.ts';
import { OnnxGraph } from './onnx-graph.ts';
import type { TextConfig } from './text-config.ts';

export interface TextGraph {
  graph: OnnxGraph;
  tokenTable: string; // key of the token embeddings, vocabSize×width: gathered outside the graph
}

/**
 * `inputs`: `embeddings`, the rows of the token table. `outputs`: `hidden_states`, after the final layer norm. `clipSkip` as A1111 and kohya count:
 * 1 is the whole encoder, 2 leaves its last layer out; the final norm comes after either.
 * Throws Trouble 'file-damaged' for a missing or mis-shaped tensor.
 */
export function buildTextGraph(config: TextConfig, tensors: TensorSource, clipSkip = 1): TextGraph {
  const { width, positions, epsilon } = config;
  const g = new OnnxGraph('text_encoder', tensors);
  // transformers up to 4 writes `text_model.` before every name, 5 does not.
  const prefix = g.has('text_model.embeddings.token_embedding.weight') ? 'text_model.' : '';
  const layerNorm = (x: string, name: string) =>
    g.node('LayerNormalization', [x, g.weight(`${name}.weight`, [width]), g.weight(`${name}.bias`, [width])], {
      axis: -1,
      epsilon: { float: epsilon },
    });

  const tokenTable = `${prefix}embeddings.token_embedding.weight`;
  g.require(tokenTable, [config.vocabSize, width]);
  const position = g.weight(`${prefix}embeddings.position_embedding.weight`, [positions, width]);
  let x = g.node('Add', [g.input('embeddings', [positions, width]), position]);
  for (let i = 0; i <= config.layers - clipSkip; i++) {
    const layer = `${prefix}encoder.layers.${i}`;
    x = g.node('Add', [x, attention(g, layerNorm(x, `${layer}.layer_norm1`), `${layer}.self_attn`, config)]);
    x = g.node('Add', [x, mlp(g, layerNorm(x, `${layer}.layer_norm2`), `${layer}.mlp`, config)]);
  }
  g.output('hidden_states', layerNorm(x, `${prefix}final_layer_norm`), [positions, width]);
  return { graph: g, tokenTable };
}

/** x (positions×from) → x Wᵀ + b (positions×to). */
function linear(g: OnnxGraph, x: string, name: string, from: number, to: number): string {
  return g.node('Gemm', [x, g.weight(`${name}.weight`, [to, from]), g.weight(`${name}.bias`, [to])], { transB: 1 });
}

/** x (positions×width) → the same, every token attending to itself and those before it. */
function attention(g: OnnxGraph, x: string, name: string, { width, heads, positions }: TextConfig): string {
  const headWidth = width / heads;
  const perHead = g.ints(positions, heads, headWidth);
  const project = (which: string, perm: number[]) =>
    g.node('Transpose', [g.node('Reshape', [linear(g, x, `${name}.${which}`, width, width), perHead])], { perm });
  const q = project('q_proj', [1, 0, 2]); // heads×positions×headWidth
  const k = project('k_proj', [1, 2, 0]); // heads×headWidth×positions
  const v = project('v_proj', [1, 0, 2]);
  const scale = g.floats('attention scale', [1], Float32Array.of(headWidth ** -0.5));
  const scores = g.node('MatMul', [g.node('Mul', [q, scale]), k]); // heads×positions×positions
  const masked = g.node('Add', [scores, g.floats('causal mask', [positions, positions], causalMask(positions))]);
  const mixed = g.node('MatMul', [g.node('Softmax', [masked], { axis: -1 }), v]);
  const joined = g.node('Reshape', [g.node('Transpose', [mixed], { perm: [1, 0, 2] }), g.ints(positions, width)]);
  return linear(g, joined, `${name}.out_proj`, width, width);
}

/** 0 where a token (row) may look, the most negative f32 at every later token (column): not −∞, so that nothing can become NaN. */
function causalMask(positions: number): Float32Array {
  const mask = new Float32Array(positions * positions);
  for (let row = 0; row < positions; row++)
    mask.fill(-3.4028234663852886e38, row * positions + row + 1, (row + 1) * positions);
  return mask;
}

function mlp(g: OnnxGraph, x: string, name: string, { width, mlpWidth, activation }: TextConfig): string {
  const hidden = linear(g, x, `${name}.fc1`, width, mlpWidth);
  const active = activation === 'gelu' ? gelu(g, hidden) : quickGelu(g, hidden);
  return linear(g, active, `${name}.fc2`, mlpWidth, width);
}

/** x · sigmoid(1.702 x): OpenAI's CLIP, Stable Diffusion 1. */
function quickGelu(g: OnnxGraph, x: string): string {
  const slope = g.floats('quick_gelu slope', [1], Float32Array.of(1.702));
  return g.node('Mul', [x, g.node('Sigmoid', [g.node('Mul', [x, slope])])]);
}

/** x/2 · (1 + erf(x/√2)), the exact one: OpenCLIP, Stable Diffusion 2. */
function gelu(g: OnnxGraph, x: string): string {
  const erf = g.node('Erf', [g.node('Div', [x, g.floats('sqrt 2', [1], Float32Array.of(Math.SQRT2))])]);
  const gate = g.node('Add', [erf, g.floats('one', [1], Float32Array.of(1))]);
  return g.node('Mul', [g.node('Mul', [x, gate]), g.floats('half', [1], Float32Array.of(0.5))]);
}
