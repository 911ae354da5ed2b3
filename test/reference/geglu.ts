// geglu, CPU twin: x (rows, 2F) → y (rows, F) = x[:, :F] · gelu(x[:, F:]), gelu with erf; and dx from dy. f64.
import type { Values } from './values.ts';

/** Φ(x), the normal distribution: by its Taylor series (all terms of one sign) within |x| < 6, where the tail is 1e-9 and falls. */
export function normalCdf(x: number): number {
  if (x < -6) return density(x) * tail(-x);
  if (x > 6) return 1 - density(x) * tail(x);
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-18 * Math.abs(sum); n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + density(x) * sum;
}
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
/** (1 − Φ(x)) / φ(x) for large x: Laplace's continued fraction 1/(x + 1/(x + 2/(x + 3/(x + …)))). */
function tail(x: number): number {
  let f = x;
  for (let n = 60; n >= 1; n--) f = x + n / f;
  return 1 / f;
}

export const gelu = (x: number): number => x * normalCdf(x);
export const geluDerivative = (x: number): number => normalCdf(x) + x * density(x);

export function geglu(x: Values, rows: number): Float64Array {
  const features = x.length / rows / 2;
  const y = new Float64Array(rows * features);
  for (let r = 0; r < rows; r++)
    for (let f = 0; f < features; f++)
      y[r * features + f] = x[r * 2 * features + f]! * gelu(x[(r * 2 + 1) * features + f]!);
  return y;
}

export function gegluBackward(x: Values, dy: Values, rows: number): Float64Array {
  const features = x.length / rows / 2;
  const dx = new Float64Array(x.length);
  for (let r = 0; r < rows; r++)
    for (let f = 0; f < features; f++) {
      const [h, gate] = [r * 2 * features + f, (r * 2 + 1) * features + f];
      dx[h] = dy[r * features + f]! * gelu(x[gate]!);
      dx[gate] = dy[r * features + f]! * x[h]! * geluDerivative(x[gate]!);
    }
  return dx;
}
