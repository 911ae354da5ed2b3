// silu, CPU twin: x (n) → y (n) = x / (1 + exp(−x)); and dx from dy. f64.
import type { Values } from './values.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const siluOf = (x: number): number => x * sigmoid(x);
export const siluDerivative = (x: number): number => sigmoid(x) * (1 + x * (1 - sigmoid(x)));

export const silu = (x: Values): Float64Array => Float64Array.from(x, siluOf);
export const siluBackward = (x: Values, dy: Values): Float64Array =>
  Float64Array.from(x, (v, i) => dy[i]! * siluDerivative(v));
