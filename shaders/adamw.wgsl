// adamw: one step of torch.optim.AdamW, in its order of operations, over the flat buffers; nothing but the zeroing where the step is skipped.
//   adamw   state (16) -> params, m, v (n) updated in place; grads (n) zeroed for the next step

@compute @workgroup_size(256)
fn adamw(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let g = load_grads(i) * load_state(${GRADIENT_SCALE}u);
  store_grads(i, V(0.0));
  if (load_state(${FINITE}u) == 0.0) { return; }
  let lr = load_state(${LEARNING_RATE}u);
  let p = load_params(i) * (1.0 - lr * dims.weight_decay);
  let m = load_m(i) + (g - load_m(i)) * dims.one_minus_beta1; // exp_avg.lerp_(grad, 1 − beta1)
  let v = load_v(i) * dims.beta2 + g * g * dims.one_minus_beta2;
  let denominator = sqrt(v) / sqrt(load_state(${BIAS_CORRECTION_2}u)) + V(dims.epsilon);
  store_m(i, m);
  store_v(i, v);
  store_params(i, p - m / denominator * (lr / load_state(${BIAS_CORRECTION_1}u)));
}
