// softmax: the middle of attention, on blocks of score rows kept in scratch, each row padded with zeros to a multiple of four.
//   forward   s (rows, keys) -> s = softmax(s), lse (rows of the whole tensor) = log Σ exp
//   backward  s (rows, keys), lse, dp (rows, keys) -> s = softmax(s) again, dp = p · (dp − Σ p · dp)
// One workgroup per row and (image, head); rows of the block start at row first_row of the (heads, tokens) log-sum-exp.
#include reduce
// 1 where the vec4's element is a real key, 0 in the row's padding.
fn real_keys(q: u32) -> vec4<f32> {
  return select(vec4<f32>(), vec4<f32>(1.0), vec4<u32>(4u * q, 4u * q + 1u, 4u * q + 2u, 4u * q + 3u) < vec4<u32>(dims.keys));
}

// min and max may take a NaN for a number, and would turn an overflow of 16-bit activations into finite nonsense. Scores that are not finite are
// told by their bits, since a driver may assume that there are none, and make the whole row NaN: so it reaches the loss.
fn not_finite(s: vec4<f32>) -> vec4<u32> {
  return select(vec4<u32>(), vec4<u32>(0x7fc00000u), (bitcast<vec4<u32>>(s) & vec4<u32>(0x7f800000u)) == vec4<u32>(0x7f800000u));
}
fn any_of(v: vec4<u32>) -> u32 { return v.x | v.y | v.z | v.w; }
fn spoiled(v: vec4<f32>, nan: vec4<u32>) -> vec4<f32> { return bitcast<vec4<f32>>(bitcast<vec4<u32>>(v) | nan); }
// Padding may hold anything.
fn seen(q: u32, nan: vec4<u32>) -> vec4<u32> { return select(vec4<u32>(), nan, real_keys(q) > vec4<f32>()); }

#if DIRECTION == forward
@compute @workgroup_size(${GROUP})
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let row = (group.y * dims.rows + group.x) * dims.quads;
  var top = -3.0e38;
  var bad = 0u;
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    let s = select(vec4<f32>(-3.0e38), load_s(row + q), real_keys(q) > vec4<f32>());
    bad |= any_of(not_finite(s));
    top = max(top, max(max(s.x, s.y), max(s.z, s.w)));
  }
  top = workgroup_max(t, top);
  var sum = 0.0;
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    let e = exp(min(load_s(row + q) - top, vec4<f32>())) * real_keys(q);
    sum += e.x + e.y + e.z + e.w;
    store_s(row + q, e);
  }
  let sums = workgroup_sum(t, vec2<f32>(sum, select(0.0, 1.0, bad != 0u)));
  let nan = select(0u, 0x7fc00000u, sums.y > 0.0);
  for (var q = t; q < dims.quads; q += ${GROUP}u) { store_s(row + q, spoiled(load_s(row + q) / sums.x, seen(q, vec4<u32>(nan)))); }
  if (t == 0u) {
    store_lse(group.y * dims.tokens + dims.first_row + group.x, bitcast<f32>(bitcast<u32>(top + log(sums.x)) | nan));
  }
}
#else
@compute @workgroup_size(${GROUP})
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let row = (group.y * dims.rows + group.x) * dims.quads;
  let lse = load_lse(group.y * dims.tokens + dims.first_row + group.x);
  let row_bad = any_of(not_finite(vec4<f32>(lse)));
  var bad = row_bad;
  var sum = 0.0;
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    let s = load_s(row + q);
    let here = seen(q, not_finite(s) | vec4<u32>(row_bad));
    bad |= any_of(here);
    let p = spoiled(exp(min(s - lse, vec4<f32>())) * real_keys(q), here);
    store_s(row + q, p);
    sum += dot(p, load_dp(row + q));
  }
  let sums = workgroup_sum(t, vec2<f32>(sum, select(0.0, 1.0, bad != 0u)));
  let nan = select(0u, 0x7fc00000u, sums.y > 0.0);
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    store_dp(row + q, spoiled(load_s(row + q) * (load_dp(row + q) - sums.x), seen(q, vec4<u32>(nan))));
  }
}
#endif
