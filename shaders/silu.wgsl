// silu: y = x · sigmoid(x), any shape.
//   forward   x (n)                     -> y (n)
//   backward  x, dy (n), addend (n)?    -> dx (n) = dy · silu'(x) + addend
#include activation

#if FORWARD
@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  store_y(i, silu(load_x(i)));
}
#else
@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  var dx = load_dy(i) * silu_derivative(load_x(i));
#if HAS_ADDEND
  dx += load_addend(i);
#endif
  store_dx(i, dx);
}
#endif
