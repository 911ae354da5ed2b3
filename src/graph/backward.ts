// backward: appends the gradient computation of a scalar loss. A reverse walk over the forward nodes; each op's vjp emits ops.
import type { Tensor } from '../tensor/tensor.ts';
import type { Graph } from './graph.ts';
import type { Back, Node, Op, Tensors } from './op.ts';

/**
 * The accumulation rule, stated once: a temporary's gradient is written by its last consumer (met first on the way back) and added to by
 * the others; a LoRA parameter's gradient is added to in the flat gradient buffer, across micro-steps too.
 * Nothing is visited before the first adapted layer: frozen weights never get a gradient.
 * @param loss the node whose vjp starts the walk; it needs no incoming gradient.
 */
export function backward(g: Graph, loss: Node): void {
  const forward = g.nodes.slice(0, g.nodes.indexOf(loss) + 1);
  const needed = upstreamOfLora(forward);
  const gradient = new Map<number, Tensor>();
  for (const node of [...forward].reverse()) {
    const d: Record<string, Tensor> = {};
    for (const [name, t] of Object.entries(node.outputs)) {
      const known = gradient.get(t.id);
      if (known) d[name] = viewed(known, t);
    }
    if (node !== loss && Object.keys(d).length === 0) continue;
    if (!Object.values(node.inputs).some((t) => needed.has(t.id))) continue;
    if (!node.op.vjp)
      throw new Error(`${node.op.name} in ${node.block} has no vjp, but a LoRA parameter lies upstream of it`);
    const vjp = node.op.vjp;
    g.within(node.block, () => vjp(g, node, d, backInto(node, needed, gradient)));
  }
}

/** dx + soFar for an op that cannot add on the fly. `add` is passed in, so that this layer knows no op. */
export const accumulateWith =
  (add: Op) =>
  (g: Graph, soFar: Tensor | undefined, dx: Tensor): Tensor =>
    soFar ? (g.emit(add, { a: soFar, b: dx }).y as Tensor) : dx;

function upstreamOfLora(forward: readonly Node[]): ReadonlySet<number> {
  const needed = new Set<number>();
  const wants = (tensors: Tensors): boolean =>
    Object.values(tensors).some((t) => t.kind === 'lora' || needed.has(t.id));
  for (const node of forward) {
    if (!wants(node.inputs)) continue;
    for (const t of Object.values(node.inputs)) if (t.kind === 'lora') needed.add(t.id);
    for (const t of Object.values(node.outputs)) needed.add(t.id);
  }
  return needed;
}

function backInto(node: Node, needed: ReadonlySet<number>, gradient: Map<number, Tensor>): Back {
  const input = (name: string): Tensor | undefined => node.inputs[name];
  const wants = (name: string): boolean => {
    const t = input(name);
    return t !== undefined && needed.has(t.id);
  };
  return {
    wants,
    give(name, emit) {
      const t = input(name);
      if (!t || !wants(name)) return;
      const soFar = gradient.get(t.id);
      gradient.set(t.id, emit(soFar && viewed(soFar, t)));
    },
  };
}

/** A gradient under the shape its value has here: (B, H, W, C) and (B, H·W, C) are views of the same bytes. */
const viewed = (gradient: Tensor, value: Tensor): Tensor => ({ ...gradient, shape: value.shape });
