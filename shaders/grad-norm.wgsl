// grad-norm: the norm of all gradients, and what follows from it for this step (torch's clip_grad_norm_ and GradScaler).
//   partial_sums  grads (n)                                -> partials (workgroups, 2) = Σ g², number of Inf and NaN
//   step_state    partials, learning_rates (steps)         -> state (16), updated in place
#include reduce

#if PARTIAL_SUMS
// Inf and NaN by their exponent bits: a driver may assume that there are none and fold x != x away.
fn not_finite(g: f32) -> f32 { return select(0.0, 1.0, (bitcast<u32>(g) & 0x7f800000u) == 0x7f800000u); }

@compute @workgroup_size(256)
fn partial_sums(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var squares = V(0.0);
  var bad = 0.0;
  for (var i = workgroup.x * 256u + lane; i < dims.count; i += dims.stride) {
    let g = load_grads(i);
    squares += g * g;
#if WIDTH == 1
    bad += not_finite(g);
#else
#for k in 0..WIDTH
    bad += not_finite(g[${k}]);
#endfor
#endif
  }
  let sums = workgroup_sum(lane, vec2<f32>(total(squares), bad));
  if (lane == 0u) { store_partials(workgroup.x, sums); }
}
#else
@compute @workgroup_size(256)
fn step_state(@builtin(local_invocation_index) lane: u32) {
  var mine = vec2<f32>(0.0);
  for (var i = lane; i < dims.count; i += 256u) { mine += load_partials(i); }
  let sums = workgroup_sum(lane, mine);
  if (lane != 0u) { return; }
  let scale = load_state(${LOSS_SCALE}u);
  let overflow = sums.y > 0.0 || (bitcast<u32>(sums.x) & 0x7f800000u) == 0x7f800000u;
  let step = load_state(${STEP}u);
  if (overflow) {
    store_state(${FINITE}u, 0.0);
    store_state(${SKIPPED}u, load_state(${SKIPPED}u) + 1.0);
    store_state(${GOOD_STEPS}u, 0.0);
#if DYNAMIC
    store_state(${LOSS_SCALE}u, max(scale * 0.5, 1.0));
#endif
    return;
  }
  let norm = sqrt(sums.x) / scale;
#if CLIP
  let coefficient = min(1.0, dims.clip / (norm + 1e-6));
#else
  let coefficient = 1.0;
#endif
  store_state(${FINITE}u, 1.0);
  store_state(${GRADIENT_NORM}u, norm);
  store_state(${CLIP_COEFFICIENT}u, coefficient);
  store_state(${GRADIENT_SCALE}u, coefficient / scale);
  store_state(${LEARNING_RATE}u, load_learning_rates(min(u32(step), dims.steps - 1u)));
  store_state(${STEP}u, step + 1.0);
  store_state(${BIAS_CORRECTION_1}u, dims.beta1 * load_state(${BIAS_CORRECTION_1}u) + dims.one_minus_beta1);
  store_state(${BIAS_CORRECTION_2}u, dims.beta2 * load_state(${BIAS_CORRECTION_2}u) + dims.one_minus_beta2);
#if DYNAMIC
  let good = load_state(${GOOD_STEPS}u) + 1.0;
  let grow = good >= f32(dims.growth_interval);
  store_state(${GOOD_STEPS}u, select(good, 0.0, grow));
  store_state(${LOSS_SCALE}u, select(scale, max(scale, min(scale * 2.0, dims.largest_scale)), grow));
#endif
}
#endif
