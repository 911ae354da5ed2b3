// group-norm over channels-last rows: y = (x − mean)·rstd·gamma + beta per image and group, SiLU fused (define SILU). P positions, C channels.
//   forward_partials    x (B, P, C)                                  -> partials (B·G, chunks, 2) = mean and Σ(x − mean)² of a chunk of positions
//   forward_combine     partials                                     -> mean, rstd (B, G)
//   forward_apply       x, gamma, beta (C), mean, rstd               -> y (B, P, C)
//   with BANDED, x and y are rows of a larger picture: partials go to its chunks from first_chunk on, apply takes count units from x_first to y_first
//   backward_partials   dy, x, gamma, beta, mean, rstd               -> partials (B·G, chunks, 2) = Σ dx̂, Σ dx̂·x̂ with dx̂ = gamma · d(normalised)
//   backward_combine    partials, mean, rstd                         -> stats (B·G, 4) = mean, rstd, mean(dx̂), mean(dx̂·x̂)
//   backward_apply      dy, x, gamma, beta, stats, addend?           -> dx = rstd·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)) + addend
// Partials: a workgroup per (image, group, chunk), so that 32 groups fill a GPU; variance by two passes over the chunk, chunks joined by
// Chan et al. 1979: no E[x²] − E[x]². Units are WIDTH elements; SPLIT: a unit of the apply kernels may straddle two groups.
#include reduce
#include activation
// d(loss)/d(x̂): through SiLU where fused, then gamma.
#if HAS_DY
fn d_x_hat(x_hat: V, i: u32, c: u32) -> V {
  let gamma = load_gamma(c);
#if SILU
  return load_dy(i) * silu_derivative(x_hat * gamma + load_beta(c)) * gamma;
#else
  return load_dy(i) * gamma;
#endif
}
#endif

#if COMBINE && FORWARD
fn chunk_count(k: u32) -> f32 {
  return f32(min(dims.chunk_positions, dims.positions - k * dims.chunk_positions) * dims.group_channels);
}
#endif

#if !APPLY
@compute @workgroup_size(${GROUP})
fn ${ENTRY}(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = workgroup.x + workgroup.y * groups.x;
  if (n >= dims.count) { return; }
#if PARTIALS
  let norm = n / dims.chunks; // image · G + group
  let image = norm / dims.groups;
  let start = (n - norm * dims.chunks) * dims.chunk_positions;
  let positions = min(dims.chunk_positions, dims.positions - start);
  let channel = (norm - image * dims.groups) * dims.group_units;
  let base = (image * dims.positions + start) * dims.row_units;
  // Neighbouring threads read neighbouring channels of a group, then the next position: one division per thread, not per load.
  let thread_row = lane / dims.lanes;
  let first = select(positions, thread_row, thread_row < dims.rows);
  let column = lane - thread_row * dims.lanes;
  var a = V(0.0);
  var b = V(0.0);
#if FORWARD
  for (var p = first; p < positions; p += dims.rows) {
    for (var c = column; c < dims.group_units; c += dims.lanes) { a += load_x(base + p * dims.row_units + channel + c); }
  }
  let mean = workgroup_sum(lane, vec2<f32>(total(a), 0.0)).x / f32(positions * dims.group_units * ${WIDTH}u);
  for (var p = first; p < positions; p += dims.rows) {
    for (var c = column; c < dims.group_units; c += dims.lanes) {
      let d = load_x(base + p * dims.row_units + channel + c) - V(mean);
      b += d * d;
    }
  }
  let sums = vec2<f32>(mean, workgroup_sum(lane, vec2<f32>(total(b), 0.0)).x);
#else
  let mean = load_mean(norm);
  let rstd = load_rstd(norm);
  for (var p = first; p < positions; p += dims.rows) {
    for (var c = column; c < dims.group_units; c += dims.lanes) {
      let i = base + p * dims.row_units + channel + c;
      let x_hat = (load_x(i) - V(mean)) * rstd;
      let d = d_x_hat(x_hat, i, channel + c);
      a += d;
      b += d * x_hat;
    }
  }
  let sums = workgroup_sum(lane, vec2<f32>(total(a), total(b)));
#endif
#if BANDED
  if (lane == 0u) { store_partials(n + norm * (dims.all_chunks - dims.chunks) + dims.first_chunk, sums); }
#else
  if (lane == 0u) { store_partials(n, sums); }
#endif
#else
  let first = n * dims.chunks;
  let count = f32(dims.positions * dims.group_channels);
#if FORWARD
  var sum = 0.0;
  for (var k = lane; k < dims.chunks; k += ${GROUP}u) { sum += chunk_count(k) * load_partials(first + k).x; }
  let mean = workgroup_sum(lane, vec2<f32>(sum, 0.0)).x / count;
  var squares = 0.0;
  for (var k = lane; k < dims.chunks; k += ${GROUP}u) {
    let chunk = load_partials(first + k);
    squares += chunk.y + chunk_count(k) * (chunk.x - mean) * (chunk.x - mean);
  }
  let variance = workgroup_sum(lane, vec2<f32>(squares, 0.0)).x / count;
  if (lane == 0u) {
    store_mean(n, mean);
    store_rstd(n, inverseSqrt(variance + dims.eps));
  }
#else
  var sums = vec2<f32>(0.0);
  for (var k = lane; k < dims.chunks; k += ${GROUP}u) { sums += load_partials(first + k); }
  sums = workgroup_sum(lane, sums) / count;
  if (lane == 0u) { store_stats(n, vec4<f32>(load_mean(n), load_rstd(n), sums)); }
#endif
#endif
}
#else
@compute @workgroup_size(256)
fn ${ENTRY}(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let row = i / dims.row_units;
  let c = i - row * dims.row_units;
  let norm = row / dims.positions * dims.groups;
#if FORWARD
  var mean = V(load_mean(norm + c * ${WIDTH}u / dims.group_channels));
  var rstd = V(load_rstd(norm + c * ${WIDTH}u / dims.group_channels));
#if SPLIT
#for k in 1..WIDTH
  mean[${k}] = load_mean(norm + (c * ${WIDTH}u + ${k}u) / dims.group_channels);
  rstd[${k}] = load_rstd(norm + (c * ${WIDTH}u + ${k}u) / dims.group_channels);
#endfor
#endif
#if BANDED
  let from_x = i + dims.x_first;
  let to_y = i + dims.y_first;
#else
  let from_x = i;
  let to_y = i;
#endif
  let y = (load_x(from_x) - mean) * rstd * load_gamma(c) + load_beta(c);
#if SILU
  store_y(to_y, silu(y));
#else
  store_y(to_y, y);
#endif
#else
  let s = load_stats(norm + c * ${WIDTH}u / dims.group_channels);
  var mean = V(s.x);
  var rstd = V(s.y);
  var mean_d = V(s.z);
  var mean_d_x_hat = V(s.w);
#if SPLIT
#for k in 1..WIDTH
  let s_${k} = load_stats(norm + (c * ${WIDTH}u + ${k}u) / dims.group_channels);
  mean[${k}] = s_${k}.x;
  rstd[${k}] = s_${k}.y;
  mean_d[${k}] = s_${k}.z;
  mean_d_x_hat[${k}] = s_${k}.w;
#endfor
#endif
  let x_hat = (load_x(i) - mean) * rstd;
  var dx = rstd * (d_x_hat(x_hat, i, c) - mean_d - x_hat * mean_d_x_hat);
#if HAS_ADDEND
  dx += load_addend(i);
#endif
  store_dx(i, dx);
#endif
}
#endif
