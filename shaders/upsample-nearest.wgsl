// upsample-nearest: y[Y, X] = x[floor(Y·h/H), floor(X·w/W)], in whole numbers.  Channels in units of WIDTH.
//   forward   x (B, h, w, C)                          -> y (B, H, W, C)
//   backward  dy (B, H, W, C), addend (B, h, w, C)?   -> dx (B, h, w, C): the sum over the places each source was copied to, in order
#if FORWARD
@compute @workgroup_size(256)
fn forward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let place = i / dims.channels;
  let row = place / dims.out_width;
  let image = row / dims.out_height;
  let y = (row - image * dims.out_height) * dims.height / dims.out_height;
  let x = (place - row * dims.out_width) * dims.width / dims.out_width;
  store_y(i, load_x(((image * dims.height + y) * dims.width + x) * dims.channels + i - place * dims.channels));
}
#else
// The first output index whose source is ≥ s: ceil(s · out / in).
fn first(s: u32, size_in: u32, size_out: u32) -> u32 { return (s * size_out + size_in - 1u) / size_in; }

@compute @workgroup_size(256)
fn backward(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = id.x + id.y * groups.x * 256u;
  if (i >= dims.count) { return; }
  let place = i / dims.channels;
  let c = i - place * dims.channels;
  let row = place / dims.width;
  let image = row / dims.height;
  let y = row - image * dims.height;
  let x = place - row * dims.width;
  let y_end = first(y + 1u, dims.height, dims.out_height);
  let x_begin = first(x, dims.width, dims.out_width);
  let x_end = first(x + 1u, dims.width, dims.out_width);
  var sum = V(0.0);
  for (var oy = first(y, dims.height, dims.out_height); oy < y_end; oy++) {
    let at = (image * dims.out_height + oy) * dims.out_width;
    for (var ox = x_begin; ox < x_end; ox++) {
      sum += load_dy((at + ox) * dims.channels + c);
    }
  }
#if HAS_ADDEND
  sum += load_addend(i);
#endif
  store_dx(i, sum);
}
#endif
