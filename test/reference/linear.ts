// linear, CPU twin: x (rows, in), weight (out, in), bias (out)? → y (rows, out); and dx, dweight, dbias from dy. Plain f64 loops.
import type { Values } from './values.ts';

export interface LinearDims {
  rows: number;
  inFeatures: number;
  outFeatures: number;
}

/** y = x Wᵀ + b, as torch.nn.functional.linear. */
export function linear(x: Values, weight: Values, bias: Values | undefined, d: LinearDims): Float64Array {
  const y = new Float64Array(d.rows * d.outFeatures);
  for (let r = 0; r < d.rows; r++)
    for (let o = 0; o < d.outFeatures; o++) {
      let sum = bias ? bias[o]! : 0;
      for (let i = 0; i < d.inFeatures; i++) sum += x[r * d.inFeatures + i]! * weight[o * d.inFeatures + i]!;
      y[r * d.outFeatures + o] = sum;
    }
  return y;
}

/** dx = dy W, dweight = dyᵀ x, dbias = the column sums of dy. */
export function linearBackward(x: Values, weight: Values, dy: Values, d: LinearDims) {
  const dx = new Float64Array(d.rows * d.inFeatures);
  const dweight = new Float64Array(d.outFeatures * d.inFeatures);
  const dbias = new Float64Array(d.outFeatures);
  for (let r = 0; r < d.rows; r++)
    for (let o = 0; o < d.outFeatures; o++) {
      const g = dy[r * d.outFeatures + o]!;
      dbias[o]! += g;
      for (let i = 0; i < d.inFeatures; i++) {
        dx[r * d.inFeatures + i]! += g * weight[o * d.inFeatures + i]!;
        dweight[o * d.inFeatures + i]! += g * x[r * d.inFeatures + i]!;
      }
    }
  return { dx, dweight, dbias };
}
