// gemm: y[z] = epilogue(a[z] · b[z]), the one matrix product behind linear, conv2d and attention. m rows, n columns, sums over k in f32.
//   a   A_LAYOUT row: (m, k)   col: (k, m)   conv: 3×3 patches of an image (h, w, c)   conv_dx: what conv's backward gathers from dy
//   b   B_LAYOUT nk: (n, k)    kn: (k, n)    conv_dx: conv weights (c, 3, 3, n) read as ((tap, c), n)
//   epilogue: × alpha, + bias (n), + row_bias (batch, n), + scale · h (m, rank) · low (n, rank | rank, n), + addend (m, n), + y if ACCUMULATE
// Each thread makes 4 × 4 results. TILED: a workgroup of S × S threads shares a 4S × 16 tile of a and of b in workgroup memory, each kept as
// vec4 along the dimension that is contiguous in storage and permuted so that neighbouring threads read neighbouring words.
// Otherwise every thread loads for itself: faster where workgroup memory is emulated.
var<private> a_base: u32;
var<private> b_base: u32;
var<private> y_base: u32;

#if A_LAYOUT == row
struct Row { start: u32, live: bool }
fn a_row(m: u32) -> Row { return Row(a_base + m * dims.a_stride, m < dims.m); }
fn a_at(r: Row, k: u32) -> vec4<f32> {
  if (!r.live || k >= dims.k) { return vec4<f32>(); }
  let i = r.start + k;
#if A_WIDTH == 4
  return load_a(i >> 2u);
#else
  return vec4<f32>(load_a(i), a_one(i + 1u, k + 1u), a_one(i + 2u, k + 2u), a_one(i + 3u, k + 3u));
#endif
}
#endif
#if A_LAYOUT == col
fn a_at(k: u32, m: u32) -> vec4<f32> {
  if (k >= dims.k || m >= dims.m) { return vec4<f32>(); }
  let i = a_base + k * dims.a_stride + m;
#if A_WIDTH == 4
  return load_a(i >> 2u);
#else
  return vec4<f32>(load_a(i), a_one(i + 1u, m + 1u), a_one(i + 2u, m + 2u), a_one(i + 3u, m + 3u));
#endif
}
#endif
#if A_WIDTH != 4
fn a_one(i: u32, along: u32) -> f32 {
#if A_LAYOUT == col
  if (along >= dims.m) { return 0.0; }
#else
  if (along >= dims.k) { return 0.0; }
#endif
  return load_a(i);
}
#endif

#if A_LAYOUT == conv || A_LAYOUT == conv_dx
// Positions are u32: above or left of the image they wrap to more than any height, so one comparison tests both edges. No branch and no signed
// division here: with them SwiftShader's compiler needs minutes for conv_dx.
struct Row { image: u32, y: u32, x: u32, live: bool }
fn a_row(m: u32) -> Row {
  let in_image = m % (dims.rows_h * dims.rows_w);
  let y = in_image / dims.rows_w;
  let x = in_image % dims.rows_w;
#if A_LAYOUT == conv
  return Row(m / (dims.rows_h * dims.rows_w), y * dims.step - 1u, x * dims.step - 1u, m < dims.m);
#else
  return Row(m / (dims.rows_h * dims.rows_w), y + 1u, x + 1u, m < dims.m);
#endif
}
struct Source { index: u32, live: bool } // live: inside the image (padding 1) and, for conv_dx, not between the strides
fn source(r: Row, k: u32) -> Source {
  let tap = k / dims.c;
  let ky = tap / 3u;
#if A_LAYOUT == conv
  let y = r.y + ky;
  let x = r.x + tap - 3u * ky;
  let on_grid = true;
#else
  let up = r.y - ky;
  let left = r.x - (tap - 3u * ky);
  let y = up / dims.step;
  let x = left / dims.step;
  let on_grid = y * dims.step == up && x * dims.step == left;
#endif
  let live = r.live && on_grid && k < dims.k && y < dims.h && x < dims.w;
  return Source(select(0u, ((r.image * dims.h + y) * dims.w + x) * dims.c + k - tap * dims.c, live), live);
}
fn a_at(r: Row, k: u32) -> vec4<f32> {
#if A_WIDTH == 4
  let s = source(r, k);
  return select(vec4<f32>(), load_a(s.index >> 2u), s.live);
#else
  return vec4<f32>(a_tap(r, k), a_tap(r, k + 1u), a_tap(r, k + 2u), a_tap(r, k + 3u));
#endif
}
#if A_WIDTH != 4
fn a_tap(r: Row, k: u32) -> f32 {
  let s = source(r, k);
  return select(0.0, load_a(s.index), s.live);
}
#endif
#endif

#if B_LAYOUT == nk
fn b_at(n: u32, k: u32) -> vec4<f32> { // four along k
  if (n >= dims.n || k >= dims.k) { return vec4<f32>(); }
  let i = b_base + n * dims.b_stride + k;
#else
fn b_at(k: u32, n: u32) -> vec4<f32> { // four along n
  if (n >= dims.n || k >= dims.k) { return vec4<f32>(); }
#if B_LAYOUT == conv_dx
  let tap = k / dims.c;
  let i = ((k - tap * dims.c) * 9u + tap) * dims.n + n;
#else
  let i = b_base + k * dims.b_stride + n;
#endif
#endif
#if B_WIDTH == 4
  return load_b(i >> 2u);
#else
#if B_LAYOUT == nk
  let left = dims.k - k;
#else
  let left = dims.n - n;
#endif
  return vec4<f32>(load_b(i), b_one(i + 1u, left > 1u), b_one(i + 2u, left > 2u), b_one(i + 3u, left > 3u));
#endif
}
#if B_WIDTH != 4
fn b_one(i: u32, live: bool) -> f32 {
  if (!live) { return 0.0; }
  return load_b(i);
}
#endif

#include gemm-epilogue

#if TILED
var<workgroup> sh_a: array<vec4<f32>, ${16 * S}>;
var<workgroup> sh_b: array<vec4<f32>, ${16 * S}>;
#endif

@compute @workgroup_size(${S}, ${S})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
#if BATCHED
  let image = group.z / dims.heads;
  let head = group.z % dims.heads;
  a_base = dims.a_base + image * dims.a_batch + head * dims.a_head;
  b_base = dims.b_base + image * dims.b_batch + head * dims.b_head;
  y_base = dims.y_base + image * dims.y_batch + head * dims.y_head;
#endif
  let n0 = group.x * ${4 * S}u;
  let m0 = (group.y + dims.first_tile) * ${4 * S}u;
  let m = m0 + local.y * 4u;
  let n = n0 + local.x * 4u;
#for i in 0..4
  var acc${i} = vec4<f32>();
#endfor
#if TILED
  let t = local.y * ${S}u + local.x;
#for l in 0..LOADS
  let e${l} = t + ${l * S * S}u;
#if A_LAYOUT != col
  let row${l} = a_row(m0 + (e${l} >> 2u));
#endif
#endfor
  for (var k0 = 0u; k0 < dims.k; k0 += 16u) {
#for l in 0..LOADS
#if A_LAYOUT == col
    let a_in${l} = a_at(k0 + e${l} / ${S}u, m0 + (e${l} % ${S}u) * 4u);
#else
    let a_in${l} = a_at(row${l}, k0 + (e${l} & 3u) * 4u);
#endif
#if B_LAYOUT == nk
    let b_in${l} = b_at(n0 + (e${l} >> 2u), k0 + (e${l} & 3u) * 4u);
#else
    let b_in${l} = b_at(k0 + e${l} / ${S}u, n0 + (e${l} % ${S}u) * 4u);
#endif
#endfor
    workgroupBarrier();
#for l in 0..LOADS
    let slot${l} = (e${l} & 3u) * ${4 * S}u + ((e${l} >> 2u) & 3u) * ${S}u + (e${l} >> 4u);
#if A_LAYOUT == col
    sh_a[e${l}] = a_in${l};
#else
    sh_a[slot${l}] = a_in${l};
#endif
#if B_LAYOUT == nk
    sh_b[slot${l}] = b_in${l};
#else
    sh_b[e${l}] = b_in${l};
#endif
#endfor
    workgroupBarrier();
#else
#if A_LAYOUT != col
#for i in 0..4
  let row${i} = a_row(m + ${i}u);
#endfor
#endif
  for (var k0 = 0u; k0 < dims.k; k0 += 4u) {
#endif
#for q in 0..QUADS
#for i in 0..4
#if TILED
    let a${i}_${q} = sh_a[${(4 * q + i) * S}u + local.y];
    let b${i}_${q} = sh_b[${(4 * q + i) * S}u + local.x];
#else
#if A_LAYOUT == col
    let a${i}_${q} = a_at(k0 + ${i}u, m);
#else
    let a${i}_${q} = a_at(row${i}, k0);
#endif
#if B_LAYOUT == nk
    let b${i}_${q} = b_at(n + ${i}u, k0);
#else
    let b${i}_${q} = b_at(k0 + ${i}u, n);
#endif
#endif
#endfor
#for i in 0..4
#if A_LAYOUT == col
    acc${i} += a0_${q}[${i}] * b0_${q} + a1_${q}[${i}] * b1_${q} + a2_${q}[${i}] * b2_${q} + a3_${q}[${i}] * b3_${q};
#else
#if B_LAYOUT == nk
    acc${i} += vec4<f32>(dot(a${i}_${q}, b0_${q}), dot(a${i}_${q}, b1_${q}), dot(a${i}_${q}, b2_${q}), dot(a${i}_${q}, b3_${q}));
#else
    acc${i} += a${i}_${q}.x * b0_${q} + a${i}_${q}.y * b1_${q} + a${i}_${q}.z * b2_${q} + a${i}_${q}.w * b3_${q};
#endif
#endif
#endfor
#endfor
  }
#for i in 0..4
  finish(m + ${i}u, n, acc${i});
#endfor
}
