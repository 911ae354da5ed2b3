// softmax: the middle of attention, on blocks of score rows kept in scratch, each row padded with zeros to a multiple of four.
//   forward   s (rows, keys) -> s = softmax(s), lse (rows of the whole tensor) = log Σ exp
//   backward  s (rows, keys), lse, dp (rows, keys) -> s = softmax(s) again, dp = p · (dp − Σ p · dp)
// One workgroup per row and (image, head); rows of the block start at row first_row of the (heads, tokens) log-sum-exp.
#include reduce
// 1 where the vec4's element is a real key, 0 in the row's padding.
fn real_keys(q: u32) -> vec4<f32> {
  return select(vec4<f32>(), vec4<f32>(1.0), vec4<u32>(4u * q, 4u * q + 1u, 4u * q + 2u, 4u * q + 3u) < vec4<u32>(dims.keys));
}

#if DIRECTION == forward
@compute @workgroup_size(${GROUP})
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let row = (group.y * dims.rows + group.x) * dims.quads;
  var top = -3.0e38;
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    let s = select(vec4<f32>(-3.0e38), load_s(row + q), real_keys(q) > vec4<f32>());
    top = max(top, max(max(s.x, s.y), max(s.z, s.w)));
  }
  top = workgroup_max(t, top);
  var sum = 0.0;
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    let e = exp(min(load_s(row + q) - top, vec4<f32>())) * real_keys(q);
    sum += e.x + e.y + e.z + e.w;
    store_s(row + q, e);
  }
  sum = workgroup_sum(t, vec2<f32>(sum, 0.0)).x;
  for (var q = t; q < dims.quads; q += ${GROUP}u) { store_s(row + q, load_s(row + q) / sum); }
  if (t == 0u) { store_lse(group.y * dims.tokens + dims.first_row + group.x, top + log(sum)); }
}
#else
@compute @workgroup_size(${GROUP})
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
  let row = (group.y * dims.rows + group.x) * dims.quads;
  let lse = load_lse(group.y * dims.tokens + dims.first_row + group.x);
  var sum = 0.0;
  for (var q = t; q < dims.quads; q += ${GROUP}u) {
    let p = exp(min(load_s(row + q) - lse, vec4<f32>())) * real_keys(q);
    store_s(row + q, p);
    sum += dot(p, load_dp(row + q));
  }
  sum = workgroup_sum(t, vec2<f32>(sum, 0.0)).x;
  for (var q = t; q < dims.quads; q += ${GROUP}u) { store_dp(row + q, load_s(row + q) * (load_dp(row + q) - sum)); }
}
#endif
