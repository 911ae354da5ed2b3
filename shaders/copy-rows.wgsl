// copy-rows: count units of x from x_first on -> y from y_first on.

@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  store_y(i + dims.y_first, load_x(i + dims.x_first));
}
