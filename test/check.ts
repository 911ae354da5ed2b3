// check: how tests compare numbers — closeness that names the first mismatch, gradients against finite differences, seeded random values.
import { expect } from 'vitest';
import type { Values } from './reference/values.ts';

/** ‖got − want‖ / ‖want‖ over all elements; NaN where either holds one. */
export function relL2(got: Values, want: Values): number {
  if (got.length !== want.length) throw new Error(`expected ${want.length} values, got ${got.length}`);
  let error = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    error += (got[i]! - want[i]!) ** 2;
    size += want[i]! ** 2;
  }
  return Math.sqrt(error) / Math.sqrt(size);
}

export interface Tolerance {
  /** Bar on relL2. */
  rel: number;
  /** Bar on the largest |got − want|, as a fraction of the root mean square of `want`; default 20 × rel (an outlier hides in an L2 norm). */
  max?: number;
}

/** Fails when `got` is farther from `want` than the tolerance, holds a NaN, or `want` is all zeros (then any code would pass). */
export function expectClose(got: Values, want: Values, tolerance: Tolerance, what = 'values'): void {
  const problem = mismatch(got, want, tolerance);
  if (problem) expect.fail(`${what}: ${problem}`);
}

/** The negative control: fails when `got` cannot be told from `want`. */
export function expectFar(got: Values, want: Values, tolerance: Tolerance, what = 'values'): void {
  if (!mismatch(got, want, tolerance))
    expect.fail(`${what}: a perturbed input went unnoticed (rel. L2 ${relL2(got, want)})`);
}

/** Why `got` is not close to `want`, or undefined. */
export function mismatch(got: Values, want: Values, { rel, max = 20 * rel }: Tolerance): string | undefined {
  if (got.length !== want.length) return `expected ${want.length} values, got ${got.length}`;
  let size = 0;
  for (let i = 0; i < want.length; i++) size += want[i]! ** 2;
  const rms = Math.sqrt(size / want.length);
  if (!(rms > 0)) return 'the expected values are all zero (or not a number): nothing is compared';
  const first = Array.from(want, (w, i) => Math.abs(got[i]! - w)).findIndex((e) => !(e <= max * rms));
  if (first >= 0)
    return `at ${first} expected ${want[first]}, got ${got[first]} (bar ${max} × rms ${rms}); rel. L2 ${relL2(got, want)}`;
  const error = relL2(got, want);
  return error <= rel ? undefined : `rel. L2 ${error} > ${rel}`;
}

/**
 * Checks gradients against central differences of f(inputs) · dy, element by element of every named gradient (in f64: step 1e-5 leaves
 * truncation ~1e-10 and rounding ~1e-11, so a bar of 1e-7 is far above the noise and far below any real mistake).
 */
export function checkVjp<N extends string>(
  forward: (inputs: Record<N, Float64Array>) => Float64Array,
  gradients: Partial<Record<N, Values>>,
  inputs: Record<N, Float64Array>,
  dy: Values,
  tolerance: Tolerance = { rel: 1e-7 },
): void {
  const h = 1e-5;
  const dot = (): number => forward(inputs).reduce((sum, y, i) => sum + y * dy[i]!, 0);
  for (const name of Object.keys(gradients) as N[]) {
    const x = inputs[name];
    const numeric = x.map((value, i) => {
      x[i] = value + h;
      const up = dot();
      x[i] = value - h;
      const down = dot();
      x[i] = value;
      return (up - down) / (2 * h);
    });
    expectClose(gradients[name]!, numeric, tolerance, `d${name}`);
  }
}

/** `count` normal values × `scale`, the same for the same seed (mulberry32, Box–Muller). */
export function normal(count: number, seed: number, scale = 1): Float64Array {
  let s = seed >>> 0;
  const uniform = (): number => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), s | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
  return Float64Array.from(
    { length: count },
    () => scale * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}
