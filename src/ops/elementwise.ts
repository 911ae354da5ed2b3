// What the non-GEMM ops share: named operands out of a record, widths of dimensions, the launch of a kernel that visits every element once.
import type { DimValue, Launch, Tensors } from '../graph/op.ts';
import { describeTensor, sameShape, type Tensor } from '../tensor/tensor.ts';
import { grid, operands } from './launch.ts';

export type Width = 1 | 2 | 4;

/** The named operands, in that order. Throws naming the first that is absent. */
export function need<N extends string[]>(op: string, tensors: Tensors, ...names: N): { [K in keyof N]: Tensor } {
  return names.map((name) => {
    const t = tensors[name];
    if (!t) throw new Error(`${op}: operand ${name} is missing; it got ${Object.keys(tensors).join(', ') || 'none'}`);
    return t;
  }) as { [K in keyof N]: Tensor };
}

/** Throws unless `t` has this shape. */
export function expectShape(what: string, t: Tensor, shape: readonly number[]): void {
  if (!sameShape(t.shape, shape)) throw new Error(`${what}: expected [${shape.join(', ')}], got ${describeTensor(t)}`);
}

/** Widest access (4, 2 or 1 elements) that divides every one of these element counts. */
export const widthOf = (...counts: number[]): Width =>
  counts.every((c) => c % 4 === 0) ? 4 : counts.every((c) => c % 2 === 0) ? 2 : 1;

/** One dispatch with a thread per unit of `width` elements; `dims.count` is the number of units. Defines WIDTH and the entry's name in capitals. */
export function elementwise(
  shader: string,
  entry: string,
  width: Width,
  dims: Record<string, DimValue> & { count: number },
  reads: Record<string, Tensor | undefined>,
  writes: Record<string, Tensor | undefined>,
  defines: Launch['defines'] = {},
): Launch {
  return {
    shader,
    entry,
    defines: { WIDTH: width, [entry.toUpperCase()]: true, ...defines },
    dims,
    reads: operands(width, reads),
    writes: operands(width, writes),
    workgroups: grid(Math.ceil(dims.count / 256)),
    flops: 0,
  };
}
