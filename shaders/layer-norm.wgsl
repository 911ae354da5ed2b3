// layer-norm: y = (x − mean)·rstd·gamma + beta per row of C values (row_units of WIDTH). A workgroup per row; two-pass variance.
//   forward   x (rows, C), gamma, beta (C)                          -> y (rows, C), mean, rstd (rows)
//   backward  dy, x, gamma, mean, rstd, addend (rows, C)?           -> dx = rstd·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)) + addend, dx̂ = gamma·dy
#include reduce

@compute @workgroup_size(${GROUP})
fn ${ENTRY}(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.x + workgroup.y * groups.x;
  if (row >= dims.count) { return; }
  let base = row * dims.row_units;
  let channels = f32(dims.row_units * ${WIDTH}u);
#if FORWARD
  var sum = V(0.0);
  for (var c = lane; c < dims.row_units; c += ${GROUP}u) { sum += load_x(base + c); }
  let mean = workgroup_sum(lane, vec2<f32>(total(sum), 0.0)).x / channels;
  var squares = V(0.0);
  for (var c = lane; c < dims.row_units; c += ${GROUP}u) {
    let d = load_x(base + c) - V(mean);
    squares += d * d;
  }
  let rstd = inverseSqrt(workgroup_sum(lane, vec2<f32>(total(squares), 0.0)).x / channels + dims.eps);
  for (var c = lane; c < dims.row_units; c += ${GROUP}u) {
    store_y(base + c, (load_x(base + c) - V(mean)) * rstd * load_gamma(c) + load_beta(c));
  }
  if (lane == 0u) {
    store_mean(row, mean);
    store_rstd(row, rstd);
  }
#else
  let mean = load_mean(row);
  let rstd = load_rstd(row);
  var d_sum = V(0.0);
  var d_x_hat_sum = V(0.0);
  for (var c = lane; c < dims.row_units; c += ${GROUP}u) {
    let d = load_dy(base + c) * load_gamma(c);
    d_sum += d;
    d_x_hat_sum += d * (load_x(base + c) - V(mean)) * rstd;
  }
  let means = workgroup_sum(lane, vec2<f32>(total(d_sum), total(d_x_hat_sum))) / channels;
  for (var c = lane; c < dims.row_units; c += ${GROUP}u) {
    let x_hat = (load_x(base + c) - V(mean)) * rstd;
    var dx = rstd * (load_dy(base + c) * load_gamma(c) - V(means.x) - x_hat * means.y);
#if HAS_ADDEND
    dx += load_addend(base + c);
#endif
    store_dx(base + c, dx);
  }
#endif
}
