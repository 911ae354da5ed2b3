// recompute (gradient checkpointing, arXiv 1604.06174): nodes with a backward pass → nodes that keep less between the two.
import type { Graph } from '../graph/graph.ts';
import type { Node } from '../graph/op.ts';
import { byteLength, type Tensor } from '../tensor/tensor.ts';

/** A graph cut after its loss, and who reads what. */
export interface Readers {
  readonly forward: readonly Node[];
  readonly back: readonly Node[];
  /** Of every tensor, by id. */
  readonly makers: ReadonlyMap<number, Node>;
  /** Temporaries that only their own block reads in the forward pass. */
  readonly internal: ReadonlySet<number>;
  /** What the backward pass reads. */
  readonly saved: ReadonlySet<number>;
}

/** @param forwardCount the first nodes, up to and including the loss. */
export function readers(g: Graph, forwardCount: number): Readers {
  const forward = g.nodes.slice(0, forwardCount);
  const back = g.nodes.slice(forwardCount);
  const makers = new Map(forward.flatMap((node) => Object.values(node.outputs).map((t) => [t.id, node] as const)));
  const internal = new Set<number>();
  for (const node of forward) {
    for (const t of Object.values(node.inputs)) if (makers.get(t.id)?.block !== node.block) internal.delete(t.id);
    for (const t of Object.values(node.outputs)) if (t.kind === 'temp') internal.add(t.id);
  }
  const saved = new Set(back.flatMap((node) => Object.values(node.inputs).map((t) => t.id)));
  return { forward, back, makers, internal, saved };
}

/** A forward node whose results the backward pass may make again instead of keeping them. */
export interface Forgettable {
  readonly node: Node;
  /** What is not kept between the two passes. */
  readonly bytes: number;
  /** FLOPs of making it again, and what it is made of where that is not kept either. */
  readonly flops: number;
}

/**
 * Nodes that the backward pass reads from and that only their own block reads in the forward pass, those first that free most bytes for a FLOP:
 * norms, activations and copies cost none, products come last.
 */
export function forgettable({ forward, makers, internal, saved }: Readers): Forgettable[] {
  const flopsAgain = (node: Node, seen = new Set<Node>()): number => {
    if (seen.has(node)) return 0;
    seen.add(node);
    let flops = node.op.flops?.(node) ?? 0;
    for (const t of Object.values(node.inputs)) {
      const maker = makers.get(t.id);
      if (maker && internal.has(t.id) && !saved.has(t.id)) flops += flopsAgain(maker, seen);
    }
    return flops;
  };
  return forward
    .filter((node) => Object.values(node.outputs).every((t) => internal.has(t.id)))
    .map((node) => {
      const kept = Object.values(node.outputs).filter((t) => saved.has(t.id));
      return { node, bytes: kept.reduce((sum, t) => sum + byteLength(t), 0), flops: flopsAgain(node) };
    })
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => a.flops / a.bytes - b.flops / b.bytes || b.bytes - a.bytes || a.node.id - b.node.id);
}

/**
 * The nodes in execution order where the results of `forgotten` nodes are not kept: they run again before the first backward node that wants them,
 * after whatever they are made of. The same kernels on the same values, so no result changes.
 * @param nextId ids from here on are free for the tensors that are made again.
 */
export function recompute(
  { forward, back, makers, internal, saved }: Readers,
  forgotten: ReadonlySet<Node>,
  nextId: number,
): { nodes: Node[]; nextId: number; flops: number } {
  const gone = (t: Tensor): boolean => {
    const maker = makers.get(t.id);
    return maker !== undefined && internal.has(t.id) && (forgotten.has(maker) || !saved.has(t.id));
  };
  const remade = new Map<number, Tensor>();
  const out: Node[] = [...forward];
  let [id, flops] = [nextId, 0];
  const want = (t: Tensor): void => {
    if (!gone(t) || remade.has(t.id)) return;
    const node = makers.get(t.id) as Node;
    for (const input of Object.values(node.inputs)) want(input);
    const outputs: Record<string, Tensor> = {};
    for (const [name, made] of Object.entries(node.outputs)) {
      outputs[name] = { ...made, id: id++, name: `${made.name} again` };
      remade.set(made.id, outputs[name]);
    }
    out.push({ ...replaced(node), outputs });
    flops += node.op.flops?.(node) ?? 0;
  };
  const replaced = (node: Node): Node => ({
    ...node,
    inputs: Object.fromEntries(
      Object.entries(node.inputs).map(([name, t]) => {
        const again = remade.get(t.id);
        return [name, again ? { ...again, shape: t.shape } : t];
      }),
    ),
  });
  for (const node of back) {
    for (const t of Object.values(node.inputs)) want(t);
    out.push(replaced(node));
  }
  return { nodes: out, nextId: id, flops };
}
