// Activations and their derivatives, for f32 and its vectors (V).

// 1 / (1 + exp(-x)), and never exp of a positive number: WGSL leaves an overflow to the driver.
fn sigmoid(x: V) -> V {
  let e = exp(-abs(x));
  return select(e, V(1.0), x >= V(0.0)) / (V(1.0) + e);
}
fn silu(x: V) -> V { return x * sigmoid(x); }
fn silu_derivative(x: V) -> V {
  let s = sigmoid(x);
  return s + x * s * (V(1.0) - s);
}

// exp(-x²/2), flat beyond |x| = 13 where it is 2e-37: no denormals, no overflow of the square.
fn bell(x: V) -> V {
  let z = min(abs(x), V(13.0));
  return exp(V(-0.5) * z * z);
}
// Φ(x) = (1 + erf(x / √2)) / 2 from bell(x). erfc(z) = t·P(t)·exp(-z²), t = 1 / (1 + p z): Abramowitz & Stegun 7.1.26, |error| ≤ 1.5e-7;
// taken as erfc on the negative side, so that nothing cancels there. Measured for x ~ N(0, 1): rel. L2 of gelu 9e-8, of its
// derivative 1.1e-7 (test/gpu/elementwise.test.ts).
fn normal_cdf(x: V, bell_x: V) -> V {
  let t = V(1.0) / (V(1.0) + V(0.3275911 * 0.70710678118) * min(abs(x), V(13.0)));
  let p = ((((V(1.061405429) * t - V(1.453152027)) * t + V(1.421413741)) * t - V(0.284496736)) * t + V(0.254829592)) * t;
  let tail = V(0.5) * p * bell_x;
  return select(tail, V(1.0) - tail, x >= V(0.0));
}
