// conv-dw: the gradient of a 3×3 convolution's weights, padding 1. Only an adapter's have one, so there are few outputs and many channels.
//   dy (images, out_height, out_width, outs), x (images, height, width, channels: row_units of WIDTH) -> dw (outs, 3, 3, channels), added to
// A thread makes OUTS outputs of one tap of one unit of channels. LANES threads share its sum over pixels, each every LANES-th pixel; then a thread
// adds up what the lanes have of one output, in their order.
#if LANES > 1
var<workgroup> sh_sums: array<V, ${OUTS * COLUMNS * LANES}>;
#endif

@compute @workgroup_size(${COLUMNS}, ${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let unit = group.x * ${COLUMNS}u + local.x;
  let slice = group.y + dims.first_slice;
  let tap = slice % 9u;
  let first = slice / 9u * ${OUTS}u;
  let ky = i32(tap / 3u) - 1;
  let kx = i32(tap % 3u) - 1;
#for o in 0..OUTS
  var sum${o} = V();
#endfor
  if (unit < dims.row_units) {
    for (var p = local.y; p < dims.positions; p += ${LANES}u) {
      let column = p % dims.out_width;
      let line = p / dims.out_width;
      let y = i32(line % dims.out_height * dims.step) + ky;
      let x = i32(column * dims.step) + kx;
      if (y < 0 || x < 0 || y >= i32(dims.height) || x >= i32(dims.width)) { continue; }
      let image = line / dims.out_height;
      let seen = load_x(((image * dims.height + u32(y)) * dims.width + u32(x)) * dims.row_units + unit);
#if QUADS
#for q in 0..OUTS / 4
      let d${q} = load_dy(p * dims.out_units + min(first / 4u + ${q}u, dims.out_units - 1u));
#for i in 0..4
      sum${4 * q + i} += seen * d${q}[${i}];
#endfor
#endfor
#else
#for o in 0..OUTS
      sum${o} += seen * load_dy(p * dims.out_units + min(first + ${o}u, dims.out_units - 1u));
#endfor
#endif
    }
  }
#if LANES > 1
#for o in 0..OUTS
  sh_sums[(${o * LANES}u + local.y) * ${COLUMNS}u + local.x] = sum${o};
#endfor
  workgroupBarrier();
  for (var o = local.y; o < ${OUTS}u; o += ${LANES}u) {
    var sum = V();
    for (var lane = 0u; lane < ${LANES}u; lane++) { sum += sh_sums[(o * ${LANES}u + lane) * ${COLUMNS}u + local.x]; }
    finish(first + o, tap, unit, sum);
  }
#else
#for o in 0..OUTS
  finish(first + ${o}u, tap, unit, sum${o});
#endfor
#endif
}

fn finish(output: u32, tap: u32, unit: u32, sum: V) {
  if (unit >= dims.row_units || output >= dims.outs) { return; }
  let at = (output * 9u + tap) * dims.row_units + unit;
  store_dw(at, load_dw(at) + sum);
}
