// recompute (gradient checkpointing, arXiv 1604.06174): nodes with a backward pass → nodes that keep less between the two.
import type { Graph } from '../graph/graph.ts';
import type { Node } from '../graph/op.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * What a block makes only for itself is forgotten after the forward pass; before the block's first backward node the nodes that made it
 * run again. The same kernels on the same values, so no result changes.
 * @param forwardCount the first nodes, up to and including the loss.
 * @param blocks which blocks (Node.block) to recompute.
 */
export function recompute(g: Graph, forwardCount: number, blocks: (block: string) => boolean): Node[] {
  const forward = g.nodes.slice(0, forwardCount);
  const back = g.nodes.slice(forwardCount);
  const internal = internalTensors(forward, blocks);
  const makers = new Map(forward.flatMap((node) => Object.values(node.outputs).map((t) => [t.id, node] as const)));
  const wanted = new Set(
    back.flatMap((node) =>
      Object.values(node.inputs)
        .filter((t) => internal.has(t.id))
        .map((t) => t.id),
    ),
  );
  const remade = new Map<number, Tensor>();
  const out: Node[] = [...forward];
  for (const node of back) {
    for (const t of Object.values(node.inputs))
      if (internal.has(t.id) && !remade.has(t.id)) remake((makers.get(t.id) as Node).block);
    out.push(replaced(node));
  }
  return out;

  /** Runs again what the backward pass wants of one block, in forward order. */
  function remake(block: string): void {
    const needed = new Set<Node>();
    const need = (id: number): void => {
      const maker = makers.get(id);
      if (!maker || needed.has(maker) || !internal.has(id)) return;
      needed.add(maker);
      for (const t of Object.values(maker.inputs)) need(t.id);
    };
    for (const id of wanted) if (makers.get(id)?.block === block) need(id);
    for (const node of forward) {
      if (!needed.has(node)) continue;
      const outputs = Object.fromEntries(
        Object.entries(node.outputs).map(([name, t]) => {
          const again = g.tensor(`${t.name} again`, t.shape, 'temp', t.dtype);
          remade.set(t.id, again);
          return [name, again];
        }),
      );
      out.push({ ...replaced(node), outputs });
    }
  }

  function replaced(node: Node): Node {
    return {
      ...node,
      inputs: Object.fromEntries(Object.entries(node.inputs).map(([name, t]) => [name, remade.get(t.id) ?? t])),
    };
  }
}

/** Tensors made and read, in the forward pass, only inside one of the chosen blocks. */
function internalTensors(forward: readonly Node[], blocks: (block: string) => boolean): Set<number> {
  const home = new Map<number, string>();
  for (const node of forward) {
    for (const t of Object.values(node.inputs)) if (home.get(t.id) !== node.block) home.delete(t.id);
    if (blocks(node.block))
      for (const t of Object.values(node.outputs)) if (t.kind === 'temp') home.set(t.id, node.block);
  }
  return new Set(home.keys());
}
