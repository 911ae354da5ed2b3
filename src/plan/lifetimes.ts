// lifetimes: nodes in execution order → for every arena tensor, the first and last node that touches it.
import type { Node, Target } from '../graph/op.ts';
import { byteLength, describeTensor, type Tensor } from '../tensor/tensor.ts';

export interface Lifetime {
  readonly tensor: Tensor;
  readonly bytes: number;
  first: number; // node index
  last: number; // node index, inclusive
}

/** A node with the private scratch it needs while it runs among its outputs, so that kernels find everything in one place. */
export interface Scheduled extends Node {
  readonly scratch: readonly Tensor[];
}

/** Gives each node its scratch tensors (ids continue after `nextId`). */
export function schedule(nodes: readonly Node[], target: Target, nextId: number): Scheduled[] {
  let id = nextId;
  return nodes.map((node) => {
    const made: Record<string, Tensor> = {};
    for (const [name, spec] of Object.entries(node.op.scratch?.(node, target) ?? {}))
      made[name] = {
        id: id++,
        name: `${node.block}/${node.op.name}.${name}`,
        shape: spec.shape,
        dtype: spec.dtype,
        kind: 'temp',
      };
    return { ...node, outputs: { ...node.outputs, ...made }, scratch: Object.values(made) };
  });
}

/** A node's inputs, outputs and scratch live through the whole node: nothing it touches shares memory. Throws when a value is read before it is written. */
export function lifetimes(nodes: readonly Scheduled[]): Lifetime[] {
  const alive = new Map<number, Lifetime>();
  nodes.forEach((node, at) => {
    for (const t of Object.values(node.inputs)) {
      if (t.kind !== 'temp') continue;
      const life = alive.get(t.id);
      if (!life)
        throw new Error(
          `${node.block}/${node.op.name} reads ${t.name} (${describeTensor(t)}) before anything has written it`,
        );
      life.last = at;
    }
    for (const t of Object.values(node.outputs)) {
      if (t.kind !== 'temp') continue;
      const life = alive.get(t.id);
      if (life) life.last = at;
      else alive.set(t.id, { tensor: t, bytes: byteLength(t), first: at, last: at });
    }
  });
  return [...alive.values()];
}
