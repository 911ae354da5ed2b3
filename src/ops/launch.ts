// What every op's launches need: operand widths and grids.
import type { Operand } from '../graph/op.ts';
import { lastDim, type Tensor } from '../tensor/tensor.ts';

export const f32 = (value: number): { f32: number } => ({ f32: value });

/** Widest access all the tensors' last dimensions allow. f16 tensors have an even one (Graph.tensor). */
export const commonWidth = (...tensors: Tensor[]): 1 | 2 | 4 =>
  tensors.every((t) => lastDim(t.shape) % 4 === 0) ? 4 : tensors.every((t) => lastDim(t.shape) % 2 === 0) ? 2 : 1;

/** Operands by name, absent ones left out, all with one access width. */
export function operands(width: 1 | 2 | 4, tensors: Record<string, Tensor | undefined>): Record<string, Operand> {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter((e): e is [string, Tensor] => e[1] !== undefined)
      .map(([name, tensor]) => [name, { tensor, width }]),
  );
}

/** A grid of `count` workgroups folded into two dimensions of ≤ 65535; kernels number them `x + y · num_workgroups.x` and check the end. */
export function grid(count: number): [number, number, number] {
  const rows = Math.ceil(count / 65535);
  return [Math.ceil(count / rows), rows, 1];
}
