// Op: one row of the table of operations — its shape rule, its vjp and the kernel launches it becomes. Data only; no GPU in here.
import type { DType, Tensor } from '../tensor/tensor.ts';
import type { Graph } from './graph.ts';

export type Attrs = Readonly<Record<string, number | string | boolean | readonly number[]>>;
/** Named tensors; an optional operand is simply absent. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** One application of an op. */
export interface Node {
  readonly id: number;
  readonly op: Op;
  readonly inputs: Tensors;
  readonly outputs: Tensors;
  readonly attrs: Attrs;
  /** The module the node belongs to, as diffusers names it (`down_blocks.0.resnets.1`): the unit of recomputation. */
  readonly block: string;
}

/** A result's shape; dtype defaults to the graph's activation type (f32 where the last dimension is odd: f16 is stored in pairs). */
export interface OutputSpec {
  shape: readonly number[];
  dtype?: DType;
}

/** How a vjp hands gradients back. */
export interface Back {
  /** Does a trainable parameter lie upstream of this input (or is it one)? Gradients nobody wants are never computed. */
  wants(input: string): boolean;
  /**
   * Sets the gradient of `input`. `emit` receives what other consumers have contributed so far and returns the sum: an op that can add on
   * the fly (an `addend` operand) does, others use `accumulate(g, soFar, dx)`.
   */
  give(input: string, emit: (soFar: Tensor | undefined) => Tensor): void;
}

export interface Op {
  readonly name: string;
  /** Output shapes from input shapes. Throws an Error naming the operand, what was expected and what came. */
  shape(inputs: Tensors, attrs: Attrs): Record<string, OutputSpec>;
  /** Emits the backward ops. `d` holds the gradient of each output that has one. Absent: the op is itself a backward or update op. */
  vjp?(g: Graph, node: Node, d: Tensors, back: Back): void;
  /** Kernel launches, in order. */
  launches(node: Node, target: Target): Launch[];
  /** Floating-point operations, counted as torch's FlopCounterMode does: 2·m·n·k of every matrix product or convolution, nothing else. */
  flops?(node: Node): number;
  /** Private memory of this node while it runs, by name: part of the arena. */
  scratch?(node: Node, target: Target): Record<string, OutputSpec & { dtype: DType }>;
}

/** Which kernels suit the adapter at hand (gpu/engine-plan.ts chooses). */
export interface KernelChoice {
  /** For a product of m × n × k, `batch` of them side by side (ops/gemm.ts). */
  readonly gemmVariant: (m: number, n: number, k: number, batch: number) => GemmVariant;
  /** Threads that may share one sum: 256, or one SIMD group's worth where barriers are emulated and cost more than the sum. */
  readonly reductionThreads: number;
  /** A dispatch that would do more is split into bands of rows. */
  readonly maxDispatchFlops: number;
  /** Bytes of attention scores that exist at a time: query rows are taken in blocks of as many. */
  readonly scoreBytes: number;
}
/** What the plan is made for: limits and kernel choices, known before a GPU exists. */
export interface Target extends KernelChoice {
  /** Bytes one binding may have (`maxStorageBufferBindingSize`; WebGPU's default is 128 MiB). */
  readonly maxBindingBytes: number;
}
export type GemmVariant = 'tile128' | 'tile64' | 'tile32' | 'narrow' | 'registers';

/** A tensor as a kernel sees it. `width`: elements per load or store (vec4, vec2 or scalar); a f16 store needs ≥ 2. */
export interface Operand {
  readonly tensor: Tensor;
  readonly width: 1 | 2 | 4;
}
export type DimValue = number | { readonly f32: number };

/**
 * One dispatch. gpu/shader.ts generates the declarations from it, so names and order are said once:
 * - `dims` → `struct Dims { … }` in this order (u32, or f32 where wrapped) and `var<uniform> dims`;
 * - each operand `x` → a storage binding plus `load_x(i)` and, if written, `store_x(i, v)`: i counts units of `width` elements and
 *   v is `f32`, `vec2<f32>` or `vec4<f32>`, whatever the storage type; `HAS_X` is defined for `#if`.
 */
export interface Launch {
  readonly shader: string; // shaders/<shader>.wgsl
  readonly entry: string;
  readonly defines: Readonly<Record<string, number | string | boolean>>;
  readonly dims: Readonly<Record<string, DimValue>>;
  readonly reads: Readonly<Record<string, Operand>>;
  readonly writes: Readonly<Record<string, Operand>>; // written, and readable
  readonly workgroups: readonly [number, number, number];
  readonly flops: number;
}
