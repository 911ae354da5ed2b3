// A plan and how fast kinds of work were on this adapter in; what one replay of it takes, by op, before it was ever run, out.
import type { Node } from '../graph/op.ts';
import type { Plan } from '../plan/plan.ts';
import { byteLength, numel } from '../tensor/tensor.ts';
import type { Workload } from './workload.ts';

/** One measured application of an op. */
export interface Sample {
  readonly op: string;
  /** What its products' inner loops were long: per result, FLOPs; how many results: what speed depends on. */
  readonly results: number;
  readonly flopsPerResult: number;
  /** FLOPs or bytes per ms, as all of the op does them: what it computes twice is counted twice. */
  readonly perMs: number;
}
export interface Rates {
  readonly samples: readonly Sample[];
  /** Bytes per ms of what has no product and was not measured. */
  readonly bytesPerMs: number;
  /** Of a dispatch that does next to nothing. */
  readonly dispatchMs: number;
}
export interface OpTime {
  readonly op: string;
  readonly ms: number;
  readonly flops: number;
  readonly dispatches: number;
}

/** What `ms` says of a workload of one op. */
export function sampleOf({ graphs }: Workload, ms: number): Sample {
  const node = graphs.run?.graph.nodes[0] as Node;
  return { op: node.op.name, ...shapeOf(node), perMs: workOf(node) / ms };
}

/** ms of one replay of each of the plans, by op, slowest first. */
export function forecastStep(plans: readonly Plan[], rates: Rates): OpTime[] {
  const byOp = new Map<string, OpTime>();
  for (const plan of plans) {
    const launches = plan.nodes.map(() => 0);
    for (const { node } of plan.dispatches) launches[node] = (launches[node] ?? 0) + 1;
    plan.nodes.forEach((node, at) => {
      const name = node.op.name;
      const { ms, flops, dispatches } = byOp.get(name) ?? { ms: 0, flops: 0, dispatches: 0 };
      const count = launches[at] ?? 0;
      const nodeMs = Math.max(workOf(node) / speedOf(node, rates), count * rates.dispatchMs);
      byOp.set(name, { op: name, ms: ms + nodeMs, flops: flops + flopsOf(node), dispatches: dispatches + count });
    });
  }
  return [...byOp.values()].sort((a, b) => b.ms - a.ms);
}
export const sumMs = (times: readonly OpTime[]): number => times.reduce((sum, { ms }) => sum + ms, 0);

const flopsOf = (node: Node): number => node.op.flops?.(node) ?? 0;
/** FLOPs, or bytes where there are none. */
const workOf = (node: Node): number => flopsOf(node) || bytesOf(node);
const bytesOf = ({ inputs, outputs }: Node): number => {
  const tensors = new Map([...Object.values(inputs), ...Object.values(outputs)].map((t) => [t.id, t]));
  return [...tensors.values()].reduce((sum, t) => sum + byteLength(t), 0);
};
function shapeOf(node: Node): Pick<Sample, 'results' | 'flopsPerResult'> {
  const results = Math.max(...Object.values(node.outputs).map(({ shape }) => numel(shape)));
  return { results, flopsPerResult: workOf(node) / results };
}

/** Of the most alike measured shape of the same op; LoRA's gradients are taken for products of their size. */
function speedOf(node: Node, { samples, bytesPerMs }: Rates): number {
  const name = node.op.name === 'linear-dw' ? 'linear-dx' : node.op.name;
  const { results, flopsPerResult } = shapeOf(node);
  const distance = (sample: Sample): number =>
    Math.abs(Math.log(sample.results / results)) + Math.abs(Math.log(sample.flopsPerResult / flopsPerResult));
  const alike = samples.filter(({ op }) => op === name).sort((a, b) => distance(a) - distance(b))[0];
  if (alike) return alike.perMs;
  const products = samples.filter(({ op }) => op === 'linear').map(({ perMs }) => perMs);
  return flopsOf(node) > 0 ? Math.min(...products) : bytesPerMs;
}
