// programs: what a run is asked to do → every plan it will replay, and the bytes they take together. `npm run plan` and the engine both ask here.

import type { Target } from '../graph/op.ts';
import type { BuiltGraph } from '../model/graphs.ts';
import { STATE_SIZE } from '../ops/step-state.ts';
import { byteLength, type Tensor } from '../tensor/tensor.ts';
import { ALIGNMENT, align } from './arena.ts';
import { type MomentLayout, momentLayout } from './moments.ts';
import { type LoraLayout, loraLayout, type Plan, plan } from './plan.ts';
import type { Spare } from './spare.ts';

export interface Footprint {
  weights: number;
  arena: number;
  lora: number; // parameters, gradients, both moments with their tables, step state, learning rates
  staging: number; // inputs and outputs, kernel dims, readback
  total: number;
}
export interface Programs {
  readonly plans: Readonly<Record<string, Plan>>;
  readonly lora: LoraLayout;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly state: ReadonlyMap<string, Tensor>;
  /** Of an 8-bit optimizer. */
  readonly moments: MomentLayout | null;
  readonly slabBytes: readonly number[];
  readonly ioBytes: number;
  /** Names of each program's outputs, in the order in which they were declared. */
  readonly outputs: Readonly<Record<string, readonly string[]>>;
  /** Bytes of each readback slot, and of the one buffer that a checkpoint is copied through. */
  readonly readback: { readonly slots: number; readonly slotBytes: number; readonly checkpointBytes: number };
  readonly bytes: Footprint;
}
export interface ProgramOptions {
  target: Target;
  recompute: 'on' | 'off' | 'auto';
  /** With `auto`: bytes that the arena may take where that is known; the step is then planned with the least FLOPs. Default: the least bytes. */
  arenaBytes?: number;
  reuse?: boolean;
  /** Micro-steps of one optimizer step: their losses are read back together. */
  micro?: number;
  /** Sizes of slabs that somebody lends: the first of the arena's, and no bytes of these programs'. */
  lent?: readonly number[];
  /** Nothing is trained: one slot holds all outputs of a program, and nothing else is read. */
  outputsOnly?: boolean;
}

/** Two steps in flight, and one slot being read. */
const READBACK_SLOTS = 3;
/** Where `auto` starts to recompute: half of what a 2 GB card has left beside SD 1.5's weights is less than this; small models never reach it. */
const KEEP_ALL_BYTES = 256 * 2 ** 20;

/** Plans every graph against the same slabs: programs run one after another, so their arenas share memory. */
export function programs(graphs: Readonly<Record<string, BuiltGraph>>, options: ProgramOptions): Programs {
  const tensors = Object.values(graphs).flatMap(({ graph }) => graph.tensors);
  const ofKind = (kind: Tensor['kind']): Map<string, Tensor> =>
    new Map(tensors.filter((t) => t.kind === kind && t.name !== '*').map((t) => [t.name, t]));
  const lora = loraLayout([...ofKind('lora').values()]);
  const make = ({ graph, forwardCount }: BuiltGraph, spare: Spare): Plan =>
    plan(graph, {
      target: options.target,
      lora,
      forwardCount,
      spare,
      ...(options.reuse === undefined ? {} : { reuse: options.reuse }),
      ...(options.lent && { lent: options.lent }),
    });
  const planned = (built: BuiltGraph): Plan => {
    if (options.recompute === 'on') return make(built, 'all');
    const keepsAll = make(built, 'nothing');
    const least = options.arenaBytes ?? KEEP_ALL_BYTES;
    if (options.recompute === 'off' || sum(keepsAll.arena.slabBytes) <= least) return keepsAll;
    return make(built, options.arenaBytes === undefined ? 'all' : { bytes: options.arenaBytes });
  };
  const plans = Object.fromEntries(Object.entries(graphs).map(([name, built]) => [name, planned(built)]));
  const all = Object.values(plans);
  const slabBytes = all.reduce<number[]>((most, p) => longest(most, p.arena.slabBytes), []);
  const ioBytes = Math.max(...all.map((p) => sum([...p.io.values()].map((r) => align(r.bytes)))));
  const weights = ofKind('weight');
  const state = ofKind('state');
  const moments = state.has('moments') ? momentLayout([...ofKind('lora').values()], lora) : null;
  const outputs = Math.max(...all.flatMap((p) => [...p.io.values()].map((r) => r.bytes)));
  const readback = options.outputsOnly
    ? { slots: 1, slotBytes: align(Math.max(...Object.values(graphs).map(outputBytes))), checkpointBytes: 0 }
    : {
        slots: READBACK_SLOTS,
        slotBytes: align(Math.max(outputs, 4 * (STATE_SIZE + (options.micro ?? 1)))),
        checkpointBytes: lora.bytes + (moments ? 4 * moments.words : 2 * lora.bytes) + ALIGNMENT,
      };
  const bytes = {
    weights: sum([...weights.values()].map(byteLength)),
    arena: sum(slabBytes.slice(options.lent?.length ?? 0)),
    lora: 2 * lora.bytes + sum([...state.values()].map(byteLength)),
    staging: ioBytes + sum(all.map(dimsBytes)) + readback.slots * readback.slotBytes + readback.checkpointBytes,
    total: 0,
  };
  bytes.total = bytes.weights + bytes.arena + bytes.lora + bytes.staging;
  const names = Object.fromEntries(
    Object.entries(graphs).map(([name, built]) => [name, outputsOf(built).map((t) => t.name)]),
  );
  return { plans, lora, weights, state, moments, slabBytes, ioBytes, outputs: names, readback, bytes };
}

/** Each distinct set of kernel dims lies at an offset of its own in one uniform buffer. */
export function dimsTable(p: Plan): { readonly index: ReadonlyMap<string, number>; readonly bytes: number } {
  const index = new Map<string, number>();
  for (const { launch } of p.dispatches) {
    const key = JSON.stringify(launch.dims);
    if (!index.has(key)) index.set(key, index.size * ALIGNMENT);
  }
  return { index, bytes: index.size * ALIGNMENT };
}
const outputsOf = ({ graph }: BuiltGraph): Tensor[] => graph.tensors.filter((t) => t.kind === 'output');
const outputBytes = (built: BuiltGraph): number => sum(outputsOf(built).map(byteLength));
const dimsBytes = (p: Plan): number => dimsTable(p).bytes;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const longest = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => Math.max(a[i] ?? 0, b[i] ?? 0));
