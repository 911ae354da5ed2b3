// geglu: y = h · gelu(gate), x = [h, gate] along the last dimension (diffusers' GEGLU; gelu with erf).  F = dims.half units of WIDTH.
//   forward   x (n, 2F)                               -> y (n, F)
//   backward  x (n, 2F), dy (n, F), addend (n, 2F)?   -> dx (n, 2F) = [dy · gelu(gate), dy · h · gelu'(gate)] + addend
#include activation

#if FORWARD
@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let at = i + i / dims.half * dims.half; // row · 2F + column
  let gate = load_x(at + dims.half);
  store_y(i, load_x(at) * gate * normal_cdf(gate, bell(gate)));
}
#else
@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let at = i + i / dims.half * dims.half;
  let gate = load_x(at + dims.half);
  let dy = load_dy(i);
  let bell_gate = bell(gate);
  let cdf = normal_cdf(gate, bell_gate);
  var dh = dy * gate * cdf;
  var dgate = dy * load_x(at) * (cdf + gate * bell_gate * V(0.3989422804)); // gelu' = Φ + x φ, φ = exp(-x²/2) / √(2π)
#if HAS_ADDEND
  dh += load_addend(at);
  dgate += load_addend(at + dims.half);
#endif
  store_dx(at, dh);
  store_dx(at + dims.half, dgate);
}
#endif
