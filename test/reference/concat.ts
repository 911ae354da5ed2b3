// concat, CPU twin: a (rows, A), b (rows, B) → y (rows, A + B); and da, db from dy. Plain loops.
import type { Values } from './values.ts';

export interface ConcatDims {
  rows: number;
  a: number;
  b: number;
}

/** Row by row: a's values, then b's. */
export function concat(a: Values, b: Values, d: ConcatDims): Float64Array {
  const y: number[] = [];
  for (let r = 0; r < d.rows; r++) {
    for (let c = 0; c < d.a; c++) y.push(a[r * d.a + c]!);
    for (let c = 0; c < d.b; c++) y.push(b[r * d.b + c]!);
  }
  return Float64Array.from(y);
}

export function concatBackward(dy: Values, d: ConcatDims) {
  const da: number[] = [];
  const db: number[] = [];
  for (let i = 0; i < d.rows * (d.a + d.b); i++) (i % (d.a + d.b) < d.a ? da : db).push(dy[i]!);
  return { da: Float64Array.from(da), db: Float64Array.from(db) };
}
