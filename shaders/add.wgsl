// add: y = a + b, any shape.    a, b (n) -> y (n)

@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  store_y(i, load_a(i) + load_b(i));
}
