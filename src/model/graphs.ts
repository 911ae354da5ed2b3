// graphs: a U-Net config → the four graphs a run needs: train (forward, loss, backward), evaluate (forward, loss), predict, update (optimizer).
import { backward } from '../graph/backward.ts';
import { Graph } from '../graph/graph.ts';
import type { Node } from '../graph/op.ts';
import { mseLoss } from '../ops/mse-loss.ts';
import { type Moments, type OptimizerAttrs, optimizerStep } from '../ops/optimizer.ts';
import { STATE_SIZE } from '../ops/step-state.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import type { UNetConfig } from './config.ts';
import { ATTENTION_TARGETS, type LoraSpec } from './lora.ts';
import { unet } from './unet.ts';

export const TEXT_TOKENS = 77; // CLIP's context length: of captions; a drawing prompt may have several of them

export interface UNetGraphOptions {
  config: UNetConfig;
  batch: number;
  height: number; // of the latents
  width: number;
  textTokens?: number; // default 77
  activations: DType;
  /** How frozen matrices are stored; default f16. */
  matrices?: 'f16' | 'q8';
  /** Adapter rank; 0: no adapter in the graph. */
  rank: number;
  targets?: readonly string[];
}
export interface BuiltGraph {
  graph: Graph;
  /** Nodes of the forward pass, loss included. */
  forwardCount: number;
}

/** Names of the inputs and outputs in the `io` buffer; shapes beside them. */
export const IO = {
  sample: 'sample', // (B, h, w, 4)
  timeFeatures: 'time_features', // (B, C₀)
  encoderHiddenStates: 'encoder_hidden_states', // (B, tokens, d)
  target: 'target', // (B, h, w, 4)
  lossWeight: 'loss_weight', // (1): of this micro-step's loss, beside its share
  loraScale: 'lora_scale', // (1): α/r · strength
  noisePred: 'noise_pred', // (B, h, w, 4)
  loss: 'loss', // (1)
} as const;
/** Name of the tensor that is the whole flat LoRA buffer; of its gradients and moments likewise. */
export const FLAT = '*';

function forward(options: UNetGraphOptions): { g: Graph; noisePred: Tensor } {
  const { config, batch, height, width, textTokens = TEXT_TOKENS } = options;
  const g = new Graph(options.activations, options.matrices);
  const latents = [batch, height, width, config.inChannels];
  const sample = g.tensor(IO.sample, latents, 'input');
  const timeFeatures = g.tensor(IO.timeFeatures, [batch, config.blockOutChannels[0] as number], 'input');
  const encoderHiddenStates = g.tensor(IO.encoderHiddenStates, [batch, textTokens, config.crossAttentionDim], 'input');
  const lora: LoraSpec | undefined = options.rank
    ? { rank: options.rank, targets: options.targets ?? ATTENTION_TARGETS, scale: g.tensor(IO.loraScale, [1], 'input') }
    : undefined;
  const noisePred = g.tensor(IO.noisePred, latents, 'output');
  unet(g, config, { sample, timeFeatures, encoderHiddenStates }, lora, noisePred);
  return { g, noisePred };
}

/** noise_pred alone. */
export function predictGraph(options: UNetGraphOptions): BuiltGraph {
  const { g } = forward(options);
  return { graph: g, forwardCount: g.nodes.length };
}

/**
 * noise_pred and loss = mean((noise_pred − target)²); with gradients, every LoRA parameter's is added to the flat gradient buffer.
 * @param weight this micro-step's share of the step: 1 / (batch × accumulate). 0: no gradients.
 */
export function lossGraph(options: UNetGraphOptions, weight: number): BuiltGraph {
  const { g, noisePred: pred } = forward(options);
  const target = g.tensor(IO.target, pred.shape, 'input');
  const state = g.param('step', [STATE_SIZE], 'state', 'f32');
  const loss = g.tensor(IO.loss, [1], 'output');
  const lossWeight = weight > 0 ? { lossWeight: g.tensor(IO.lossWeight, [1], 'input') } : {};
  g.within('loss', () => g.emit(mseLoss, { pred, target, state, ...lossWeight }, { weight }, { loss }));
  const forwardCount = g.nodes.length;
  if (weight > 0) backward(g, g.nodes[forwardCount - 1] as Node);
  return { graph: g, forwardCount };
}

/**
 * Norm, clipping, AdamW over flat buffers of `values` f32 each; `steps` learning rates in a table. `packed`: with 8-bit moments, in so many blocks
 * and words.
 */
export function updateGraph(
  values: number,
  steps: number,
  attrs: OptimizerAttrs,
  packed?: { blocks: number; words: number },
): BuiltGraph {
  const g = new Graph('f32');
  const flat = (name: string): Tensor => g.param(name, [values], 'state', 'f32');
  const params = g.param(FLAT, [values], 'lora', 'f32');
  const state = g.param('step', [STATE_SIZE], 'state', 'f32');
  const kept: Moments = packed
    ? {
        moments: g.param('moments', [packed.words], 'state', 'u32'),
        blocks: g.param('blocks', [packed.blocks, 4], 'state', 'u32'),
        map: g.param('map', [512], 'state', 'f32'),
      }
    : { m: flat('m'), v: flat('v') };
  const learningRates = g.param('learning_rates', [steps], 'state', 'f32');
  g.within('update', () => optimizerStep(g, { params, grads: g.gradOf(params), kept, state, learningRates }, attrs));
  return { graph: g, forwardCount: 0 };
}
