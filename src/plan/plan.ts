// plan: a graph → an arena and a flat list of dispatches, each binding a range of a named buffer. Everything decided before a GPU exists.
import type { Graph } from '../graph/graph.ts';
import type { Launch, Operand, Target } from '../graph/op.ts';
import { byteLength, describeTensor, type StorageType, type Tensor } from '../tensor/tensor.ts';
import { type Arena, align, arena } from './arena.ts';
import { type Lifetime, lifetimes, type Scheduled, schedule } from './lifetimes.ts';
import { readers, recompute } from './recompute.ts';
import { forgottenNodes, type Spare } from './spare.ts';

/** A range of a buffer. Buffers: `arena:i`, `weight:<key>`, `state:<name>`, `lora`, `grads`, `io` (inputs and outputs). */
export interface Region {
  readonly buffer: string;
  readonly offset: number; // bytes, a multiple of 256
  readonly bytes: number;
}
export interface Binding extends Region {
  readonly name: string; // the kernel's name for it
  readonly tensor: Tensor;
  readonly written: boolean;
}
export interface Dispatch {
  readonly node: number;
  readonly block: string;
  readonly op: string;
  readonly launch: Launch;
  readonly bindings: readonly Binding[];
}
export interface Plan {
  readonly dispatches: readonly Dispatch[];
  readonly nodes: readonly Scheduled[];
  readonly lifetimes: readonly Lifetime[];
  readonly arena: Arena;
  /** Where inputs and outputs lie in the `io` buffer, by tensor name. */
  readonly io: ReadonlyMap<string, Region>;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly flops: number;
  /** Of these, spent on making again what was not kept. */
  readonly recomputedFlops: number;
}

/** Where each LoRA parameter lies in the flat buffers (parameters, gradients, both moments alike). */
export interface LoraLayout {
  readonly offsets: ReadonlyMap<string, number>; // bytes
  readonly bytes: number;
}

/** One flat buffer for all parameters, each starting where a binding may start; the gaps stay zero. */
export function loraLayout(params: readonly { name: string; shape: readonly number[] }[]): LoraLayout {
  const offsets = new Map<string, number>();
  let bytes = 0;
  for (const p of params) {
    offsets.set(p.name, bytes);
    bytes += align(byteLength({ shape: p.shape, dtype: 'f32' }));
  }
  return { offsets, bytes };
}

export interface PlanOptions {
  target: Target;
  lora: LoraLayout;
  /** Nodes of the forward pass; needed for recomputation. */
  forwardCount?: number;
  /** What the backward pass makes again instead of keeping it (default nothing). */
  spare?: Spare;
  /** false: no two tensors ever share memory (for tests). */
  reuse?: boolean;
  /** Sizes of slabs that somebody lends: the first of the arena's. */
  lent?: readonly number[];
}

/** @throws Error when a tensor is larger than one binding may be, or is read before it is written. */
export function plan(g: Graph, options: PlanOptions): Plan {
  const { target, lora, forwardCount = g.nodes.length, spare = 'nothing' } = options;
  const read = readers(g, forwardCount);
  const ordered = recompute(read, forgottenNodes(g, read, target, spare), g.tensors.length);
  const nodes = schedule(ordered.nodes, target, ordered.nextId);
  const lives = lifetimes(nodes);
  const places = arena(lives, target.maxBindingBytes, options.reuse ?? true, options.lent);
  const io = new Map<string, Region>();
  const weights = new Map<string, Tensor>();
  let ioBytes = 0;
  for (const t of g.tensors) {
    if (t.kind === 'weight') weights.set(t.name, t);
    if (t.kind !== 'input' && t.kind !== 'output') continue;
    io.set(t.name, { buffer: 'io', offset: ioBytes, bytes: byteLength(t) });
    ioBytes += align(byteLength(t));
  }
  const region = (t: Tensor): Region => {
    const bytes = byteLength(t);
    if (t.kind === 'weight') return { buffer: `weight:${t.name}`, offset: 0, bytes };
    if (t.kind === 'state') return { buffer: `state:${t.name}`, offset: 0, bytes };
    if (t.kind === 'input' || t.kind === 'output') return io.get(t.name) as Region;
    if (t.kind === 'temp') {
      const place = places.places.get(t.id);
      if (!place) throw new Error(`${t.name} (${describeTensor(t)}) has no place in the arena: nothing writes it`);
      return { buffer: `arena:${place.slab}`, offset: place.offset, bytes };
    }
    const name = t.kind === 'lora-grad' ? t.name.slice('grad.'.length) : t.name;
    const buffer = t.kind === 'lora-grad' ? 'grads' : 'lora';
    if (name === '*') return { buffer, offset: 0, bytes: lora.bytes };
    const offset = lora.offsets.get(name);
    if (offset === undefined) throw new Error(`${name} is not among the LoRA parameters`);
    return { buffer, offset, bytes };
  };
  const bind = (operands: Readonly<Record<string, Operand>>, written: boolean): Binding[] =>
    Object.entries(operands).map(([name, { tensor }]) => ({ name, tensor, written, ...region(tensor) }));
  const dispatches = nodes.flatMap((node, at) =>
    node.op.launches(node, target).map((launch) => ({
      node: at,
      block: node.block,
      op: node.op.name,
      launch,
      bindings: [...bind(launch.reads, false), ...bind(launch.writes, true)],
    })),
  );
  const flops = nodes.reduce((sum, node) => sum + (node.op.flops?.(node) ?? 0), 0);
  return { dispatches, nodes, lifetimes: lives, arena: places, io, weights, flops, recomputedFlops: ordered.flops };
}

export interface LargeTensor {
  name: string;
  shape: readonly number[];
  dtype: StorageType;
  bytes: number;
}
/** The arena tensors that take most, largest first. */
export const largest = (p: Plan, count = 12): LargeTensor[] =>
  [...p.lifetimes]
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, count)
    .map(({ tensor: { name, shape, dtype }, bytes }) => ({ name, shape, dtype, bytes }));
