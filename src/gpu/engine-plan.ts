// engine-plan: what an engine is asked for → the graphs it replays and which kernel each product gets. No GPU is touched: `npm run plan` asks here too.
import type { GemmVariant, KernelChoice, Target } from '../graph/op.ts';
import type { UNetConfig } from '../model/config.ts';
import { type BuiltGraph, lossGraph, predictGraph, TEXT_TOKENS, updateGraph } from '../model/graphs.ts';
import { momentLayout } from '../plan/moments.ts';
import { loraLayout } from '../plan/plan.ts';
import { type Programs, programs } from '../plan/programs.ts';
import type { DType } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import type { OptimizerSettings, WeightStorage } from './engine-types.ts';
import type { Lane } from './lane.ts';
import type { Pipelines } from './pipelines.ts';
import type { GpuWeights } from './weights.ts';

export interface EngineOptions {
  config: UNetConfig;
  /** A checkpoint to upload, or weights that are on the device already (they stay there when the engine is destroyed). */
  weights: TensorSource | GpuWeights;
  height: number; // of the latents
  width: number;
  /** Tokens of a text state; default 77. A multiple of it for long prompts. */
  textTokens?: number;
  batch?: number; // default 1; training runs a batch as micro-steps of batch 1
  rank: number; // 0: no adapter
  alpha: number;
  /** Modules the adapter changes, by name or by the ends of their names. Default: the attention's projections. */
  targets?: readonly string[];
  activations: DType;
  /** How the frozen weights lie on the GPU; weights that are there already must have been uploaded for it. Default f16. */
  weightStorage?: WeightStorage;
  recompute: 'on' | 'off' | 'auto';
  /** With `auto`: what the arena may take (plan/programs.ts). */
  arenaBytes?: number;
  /** batch × accumulate of one optimizer step: its loss is divided by it. */
  micro?: number;
  /** Micro-steps that it may have, class pictures' among them; default `micro`. */
  passes?: number;
  /** Absent: the engine draws and measures, but does not train. */
  optimizer?: OptimizerSettings;
  /** Default: what suits a real GPU. */
  kernels?: KernelChoice;
  /** false: no two tensors share memory (for tests). */
  reuse?: boolean;
  pipelines?: Pipelines;
  /** Default: the device's own. */
  lane?: Lane;
  onProgress?: (progress: { phase: 'weights' | 'kernels'; done: number; total: number }) => void;
}

/** Loss scale for f16 gradients: torch.amp.GradScaler's defaults. With f32 activations it is 1 and stays. */
export const LOSS_SCALE = { first: 2 ** 16, largest: 2 ** 24, growthInterval: 2000 };

/** Micro-steps that a step has at most. */
export const passesOf = ({ micro = 1, passes = micro }: Pick<EngineOptions, 'micro' | 'passes'>): number => passes;

/** Learning rates as the GPU keeps them: the last one goes on, so what only repeats it is left out (a constant rate is one number). */
export function rateTable(rates: Float32Array): Float32Array<ArrayBuffer> {
  let length = rates.length;
  while (length > 1 && rates[length - 1] === rates[length - 2]) length--;
  return rates.slice(0, length) as Float32Array<ArrayBuffer>;
}

const loraParams = ({ graph }: BuiltGraph) => graph.tensors.filter((t) => t.kind === 'lora');

/** The graphs of a run; what `npm run plan` prints and the engine replays. */
export function engineGraphs(o: Omit<EngineOptions, 'weights'>): Record<string, BuiltGraph> {
  const options = {
    config: o.config,
    batch: o.batch ?? 1,
    height: o.height,
    width: o.width,
    textTokens: o.textTokens ?? TEXT_TOKENS,
    activations: o.activations,
    matrices: o.weightStorage === 'int8' ? ('q8' as const) : ('f16' as const),
    rank: o.rank,
    ...(o.targets && { targets: o.targets }),
  };
  const graphs: Record<string, BuiltGraph> = { predict: predictGraph(options), evaluate: lossGraph(options, 0) };
  if (!o.optimizer) return graphs;
  const train = lossGraph(options, 1 / (o.micro ?? 1));
  const params = loraParams(train);
  const lora = loraLayout(params);
  const moments = o.optimizer.bits === 8 ? momentLayout(params, lora) : null;
  const { clip, beta1, beta2, epsilon, weightDecay, learningRates } = o.optimizer;
  const dynamic = {
    dynamicLossScale: o.activations === 'f16',
    growthInterval: LOSS_SCALE.growthInterval,
    largestScale: LOSS_SCALE.largest,
  };
  return {
    ...graphs,
    train,
    update: updateGraph(
      lora.bytes / 4,
      rateTable(learningRates).length,
      {
        clip,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        ...dynamic,
      },
      moments ? { blocks: moments.blocks.length / 4, words: moments.words } : undefined,
    ),
  };
}

/** 50 ms at 250 GFLOP/s: Windows resets a GPU that is busy for 2 s, and the compositor waits meanwhile. gpu/speed.ts asks slower ones for less. */
export const MAX_DISPATCH_FLOPS = 12.5e9;

/** The largest tile that still makes enough workgroups to fill a GPU, and of which a row is no longer than a dispatch may be. */
function tileFor(m: number, n: number, k: number, batch: number, maxDispatchFlops: number): GemmVariant {
  if (n <= 16) return 'narrow';
  const workgroups = (rows: number): number => Math.ceil(m / rows) * Math.ceil(n / 64) * batch;
  if (workgroups(128) >= 64 && 2 * 128 * n * k * batch <= maxDispatchFlops) return 'tile128';
  return workgroups(64) >= 64 ? 'tile64' : 'tile32';
}

/**
 * Tile sizes by shape: big tiles where they still make enough workgroups to fill a GPU. On a software adapter workgroup memory and barriers
 * are emulated: no tiles there, and sums within one SIMD group.
 */
export const kernelsFor = (software: boolean, maxDispatchFlops = MAX_DISPATCH_FLOPS): KernelChoice => ({
  gemmVariant: (m, n, k, batch) => (software ? 'registers' : tileFor(m, n, k, batch, maxDispatchFlops)),
  reductionThreads: software ? 4 : 256,
  maxDispatchFlops,
  // SD 1.5 at 512²: 256 rows × 4096 keys × 8 heads
  scoreBytes: 32 * 2 ** 20,
});

/** Every plan of an engine and the bytes they take, for a device with bindings of `maxBindingBytes`. */
export function enginePrograms(
  o: Omit<EngineOptions, 'weights' | 'pipelines' | 'lane'>,
  maxBindingBytes: number,
): Programs {
  const target: Target = { maxBindingBytes, ...(o.kernels ?? kernelsFor(false)) };
  return programs(engineGraphs(o), {
    target,
    recompute: o.recompute,
    ...(o.arenaBytes === undefined ? {} : { arenaBytes: o.arenaBytes }),
    micro: passesOf(o),
    ...(o.reuse === undefined ? {} : { reuse: o.reuse }),
  });
}
