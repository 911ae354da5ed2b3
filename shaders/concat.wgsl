// concat along the last dimension, and back: slices of the gradient. Widths are in units of WIDTH elements, offsets need no alignment beyond it.
//   forward   a (n, A), b (n, B)                    -> y (n, A + B)
//   backward  x (n, C), addend (n, length)?         -> y (n, length) = x[:, start : start + length] + addend
#if FORWARD
@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let row = i / (dims.a_width + dims.b_width);
  let c = i - row * (dims.a_width + dims.b_width);
  if (c < dims.a_width) {
    store_y(i, load_a(row * dims.a_width + c));
  } else {
    store_y(i, load_b(row * dims.b_width + c - dims.a_width));
  }
}
#else
@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let row = i / dims.length;
  var v = load_x(row * dims.x_width + dims.start + i - row * dims.length);
#if HAS_ADDEND
  v += load_addend(i);
#endif
  store_y(i, v);
}
#endif
