// arena: lifetimes → a place in a few slabs for every tensor. The one place where memory is assigned.
import type { Lifetime } from './lifetimes.ts';

export interface Place {
  readonly slab: number;
  readonly offset: number; // bytes
}
export interface Arena {
  readonly places: ReadonlyMap<number, Place>; // by tensor id
  readonly slabBytes: readonly number[];
}

/** minStorageBufferOffsetAlignment's default: every binding starts on a multiple of it. */
export const ALIGNMENT = 256;
export const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A fragmented or a phone's memory gives pieces of this size where it refuses one of twice as much; what lies in several of them is as much. */
const SLAB_BYTES = 128 * 2 ** 20;

/**
 * Largest first, each at the lowest offset where no tensor alive at the same time lies ("greedy by size", Pisarchyk & Lee,
 * arXiv 2001.03288). A slab is no larger than one binding may be, nor than 128 MiB or the largest tensor.
 * @param reuse false: every tensor has memory of its own — what tests compare with.
 * @param lent sizes of slabs that are there already: they are filled first.
 * @throws Error naming the tensor that is larger than a slab may be.
 */
export function arena(
  tensors: readonly Lifetime[],
  maxBindingBytes: number,
  reuse = true,
  lent: readonly number[] = [],
): Arena {
  const largest = tensors.reduce((most, { bytes }) => Math.max(most, align(bytes)), 0);
  const maxSlabBytes = Math.min(maxBindingBytes, Math.max(SLAB_BYTES, largest));
  const slabs: { life: Lifetime; offset: number; end: number }[][] = lent.map(() => []);
  const places = new Map<number, Place>();
  const overlaps = (a: Lifetime, b: Lifetime): boolean => !reuse || (a.first <= b.last && b.first <= a.last);
  for (const life of [...tensors].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const size = align(life.bytes);
    if (size > maxBindingBytes)
      throw new Error(
        `${life.tensor.name} needs ${size} bytes, more than one binding may have here (${maxBindingBytes})`,
      );
    let slab = 0;
    let offset = lowestGap(slabs[0] ?? [], life, size, overlaps);
    while (offset + size > (lent[slab] ?? maxSlabBytes)) {
      slab++;
      offset = lowestGap(slabs[slab] ?? [], life, size, overlaps);
    }
    const here = slabs[slab] ?? [];
    slabs[slab] = here;
    here.push({ life, offset, end: offset + size });
    places.set(life.tensor.id, { slab, offset });
  }
  return { places, slabBytes: slabs.map((s) => s.reduce((most, p) => Math.max(most, p.end), 0)) };
}

function lowestGap(
  placed: readonly { life: Lifetime; offset: number; end: number }[],
  life: Lifetime,
  size: number,
  overlaps: (a: Lifetime, b: Lifetime) => boolean,
): number {
  let offset = 0;
  for (const p of placed.filter((q) => overlaps(q.life, life)).sort((a, b) => a.offset - b.offset)) {
    if (p.offset - offset >= size) break;
    offset = Math.max(offset, p.end);
  }
  return offset;
}
