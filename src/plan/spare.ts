// In: a graph with a backward pass and how much memory is allowed. Out: the nodes whose results are made again instead of kept.
import type { Graph } from '../graph/graph.ts';
import type { Node, Target } from '../graph/op.ts';
import { align } from './arena.ts';
import { type Lifetime, lifetimes, schedule } from './lifetimes.ts';
import { type Forgettable, forgettable, type Readers, recompute } from './recompute.ts';

/** all: whatever may be. bytes: the least FLOPs with which the arena takes no more. */
export type Spare = 'nothing' | 'all' | { readonly bytes: number };

/** Nothing but the graph, its shapes and `scoreBytes` has a say: every adapter forgets the same. */
export function forgottenNodes(g: Graph, read: Readers, target: Target, spare: Spare): ReadonlySet<Node> {
  if (spare === 'nothing') return new Set();
  const candidates = forgettable(read);
  if (spare === 'all') return nodesOf(candidates);
  const fits = (chosen: readonly Forgettable[]): boolean => {
    const { nodes, nextId } = recompute(read, nodesOf(chosen), g.tensors.length);
    return peakBytes(lifetimes(schedule(nodes, target, nextId))) <= spare.bytes;
  };
  if (fits([])) return new Set();
  let [none, enough] = [0, candidates.length]; // `none` is too few; all of them if nothing less is enough
  while (enough - none > 1) {
    const middle = Math.floor((none + enough) / 2);
    if (fits(candidates.slice(0, middle))) enough = middle;
    else none = middle;
  }
  return nodesOf(withoutNeedless(candidates.slice(0, enough), fits));
}

/** Where the memory's peak is, not everything that was forgotten on the way is missing: what can be kept after all is, dearest first. */
function withoutNeedless(chosen: Forgettable[], fits: (chosen: readonly Forgettable[]) => boolean): Forgettable[] {
  let kept = chosen;
  if (!fits(chosen)) return chosen;
  for (let size = Math.ceil(chosen.length / 2); size >= Math.max(1, chosen.length / 100); size = Math.floor(size / 2))
    for (let end = kept.length; end > 0; end -= size) {
      const fewer = [...kept.slice(0, Math.max(0, end - size)), ...kept.slice(end)];
      if (fits(fewer)) kept = fewer;
    }
  return kept;
}

const nodesOf = (chosen: readonly Forgettable[]): Set<Node> => new Set(chosen.map(({ node }) => node));

/** Bytes of all that is alive at once, at most: what an arena without gaps would take. */
function peakBytes(lives: readonly Lifetime[]): number {
  const change = new Map<number, number>();
  const add = (at: number, bytes: number): void => void change.set(at, (change.get(at) ?? 0) + bytes);
  for (const { first, last, bytes } of lives) {
    add(first, align(bytes));
    add(last + 1, -align(bytes));
  }
  let [now, most] = [0, 0];
  for (const at of [...change.keys()].sort((a, b) => a - b)) {
    now += change.get(at) as number;
    most = Math.max(most, now);
  }
  return most;
}
