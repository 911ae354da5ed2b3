// workload: the op graph that is timed, how much work it is and what it computes on in; helpers to write one down out.
import { Graph } from '../graph/graph.ts';
import type { Attrs, Op } from '../graph/op.ts';
import type { BuiltGraph } from '../model/graphs.ts';
import { lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { type Fill, type Values, valuesOf } from './bench-program.ts';

/** What is read, and after which plan. */
export interface Result {
  readonly name: string;
  readonly plan: string;
  readonly tensor: Tensor;
}
export interface Workload {
  readonly name: string;
  /** FLOPs (2·m·n·k of every product, what is computed twice counted once), or bytes read and written where there is no product. */
  readonly work: number;
  readonly unit: 'FLOP' | 'byte';
  /** Plans run one after another. */
  readonly graphs: Readonly<Record<string, BuiltGraph>>;
  readonly values: Values;
  readonly results: readonly Result[];
}

/** GFLOP/s or GB/s. */
export const rateOf = ({ work }: Pick<Workload, 'work'>, ms: number): number => work / ms / 1e6;
export const rateUnit = ({ unit }: Pick<Workload, 'unit'>): string => (unit === 'FLOP' ? 'GFLOP/s' : 'GB/s');

/** Normal values of variance 1, weights so that a sum over one of their rows has it too. */
export const unitVariance: Fill = ({ kind, shape }) =>
  kind === 'weight' && shape.length > 1 ? Math.sqrt((shape[0] as number) / numel(shape)) : 1;

/** One application of an op: its inputs by shape (a weight in f16 where `weights` names it), its first outputs kept by name. */
export interface OneOp {
  name: string;
  op: Op;
  inputs: Readonly<Record<string, readonly number[]>>;
  weights?: readonly string[];
  attrs?: Attrs;
  /** Outputs that are read: others are temporaries. */
  outputs: readonly string[];
  /** Useful FLOPs, where the op computes something twice. */
  work?: number;
  fill?: Fill;
}
export function oneOp({
  name,
  op,
  inputs,
  weights = [],
  attrs = {},
  outputs,
  work,
  fill = unitVariance,
}: OneOp): Workload {
  const g = new Graph('f32');
  const given = Object.fromEntries(
    Object.entries(inputs).map(([key, shape]) => [
      key,
      weights.includes(key) ? g.param(key, shape, 'weight', 'f16') : g.tensor(key, shape, 'input'),
    ]),
  );
  const shapes = op.shape(given, attrs);
  const kept = Object.fromEntries(
    outputs.map((key) => [key, g.tensor(key, shapes[key]?.shape ?? [], 'output', shapes[key]?.dtype)]),
  );
  g.emit(op, given, attrs, kept);
  const node = g.nodes[0];
  const flops = work ?? (node && op.flops?.(node)) ?? 0;
  const large = [...Object.values(given), ...Object.values(kept)].filter(({ shape }) => lastDim(shape) < numel(shape));
  const graphs = { run: { graph: g, forwardCount: g.nodes.length } };
  return {
    name,
    work: flops || large.reduce((bytes, { shape }) => bytes + 4 * numel(shape), 0),
    unit: flops ? 'FLOP' : 'byte',
    graphs,
    values: valuesOf(graphs, fill),
    results: Object.entries(kept).map(([key, tensor]) => ({ name: key, plan: 'run', tensor })),
  };
}
