// mse-loss: mean((pred − target)²), and its gradient. Units of WIDTH elements.
//   forward_partials  pred, target (n)           -> partials (workgroups), each the sum of its strided share
//   forward_combine   partials                   -> loss (1)
//   backward          pred, target (n), state    -> dpred (n) = factor · loss_weight · state[lossScale] · (pred − target), factor = weight · 2/n
#if BACKWARD
@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
#if HAS_LOSS_WEIGHT
  let factor = dims.factor * load_loss_weight(0u);
#else
  let factor = dims.factor;
#endif
  store_dpred(i, (load_pred(i) - load_target(i)) * (factor * load_state(${LOSS_SCALE}u)));
}
#else
#include reduce

@compute @workgroup_size(256)
fn ${ENTRY}(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
#if PARTIALS
  var sum = V(0.0);
  for (var i = workgroup.x * 256u + lane; i < dims.count; i += dims.stride) {
    let d = load_pred(i) - load_target(i);
    sum += d * d;
  }
  let all = workgroup_sum(lane, vec2<f32>(total(sum), 0.0)).x;
  if (lane == 0u) { store_partials(workgroup.x, all); }
#else
  var sum = 0.0;
  for (var i = lane; i < dims.count; i += 256u) { sum += load_partials(i); }
  let all = workgroup_sum(lane, vec2<f32>(sum, 0.0)).x;
  if (lane == 0u) { store_loss(0u, all / dims.values); }
#endif
}
#endif
