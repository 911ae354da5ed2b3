// gemm's operands a and b (part 0 of the sum; part 1 is in gemm-low-rank): four values of a or b at a time. A Line says where a thread's values start, for its place k within a step, and whether there are
// any; the loop over k adds k0, which is the same for all threads. Where k is contiguous in storage (row, conv, nk) the four are neighbours along k,
// elsewhere (col, kn) neighbouring rows at one k. No branches: rows past the end read the last one again and are never stored; k past the end counts
// as zero, unless EXACT says that there is none.
struct Line {
  start: u32, // in units of the operand's width
  k: u32,
  live: bool,
}
var<private> a_base: u32;
var<private> b_base: u32;
var<private> y_base: u32;

fn within_k(v: vec4<f32>, k: u32) -> vec4<f32> {
#if EXACT
  return v;
#else
  return select(vec4<f32>(), v, k < dims.k);
#endif
}

#if A_LAYOUT == row
fn a_line0(m: u32, k: u32, tap: u32) -> Line { return Line((a_base + min(m, dims.m - 1u) * dims.a_stride + k) / ${A_WIDTH}u, k, true); }
#endif
#if A_LAYOUT == conv || A_LAYOUT == conv_dx
// The pixel that tap (3·ky + kx) meets from output m, channels first to last. Positions are u32: above or left of the image they wrap to more
// than any height, so one comparison tests both edges. Signed division here would cost SwiftShader's compiler minutes.
fn a_line0(m: u32, k: u32, tap: u32) -> Line {
  let row = min(m, dims.m - 1u);
  let image = row / (dims.rows_h * dims.rows_w);
  let in_image = row - image * dims.rows_h * dims.rows_w;
  let row_y = in_image / dims.rows_w;
  let row_x = in_image - row_y * dims.rows_w;
  let ky = tap / 3u;
  let kx = tap - 3u * ky;
#if A_LAYOUT == conv
  let y = row_y * dims.step + ky + dims.top; // top and left may be −1, as u32
  let x = row_x * dims.step + kx + dims.left;
  let live = (y < dims.h) & (x < dims.w);
#else
  let up = row_y + 1u - ky; // of the output pixel that saw this one through the tap, times the stride
  let left = row_x + 1u - kx;
  let y = up >> (dims.step - 1u); // the stride is 1 or 2: divisions by it, and && for &, cost SwiftShader's compiler 40 s
  let x = left >> (dims.step - 1u);
  let live = (y < dims.h) & (x < dims.w) & (((up | left) & (dims.step - 1u)) == 0u);
#endif
#if DOUBLED
  let pixel = (image * (dims.h >> 1u) + (y >> 1u)) * (dims.w >> 1u) + (x >> 1u);
#else
  let pixel = (image * dims.h + y) * dims.w + x;
#endif
  return Line((select(0u, pixel * dims.k, live) + k) / ${A_WIDTH}u, k, live);
}
#endif

#if A_LAYOUT == col
#if A_WIDTH == 4
fn a_line0(m: u32, k: u32, tap: u32) -> Line { return Line((a_base + k * dims.a_stride + min(m, (dims.m - 1u) & ~3u)) / 4u, k, true); }
fn a_at0(line: Line, k0: u32, m: u32) -> vec4<f32> { return within_k(load_a(line.start + k0 * (dims.a_stride / 4u)), line.k + k0); }
#else
fn a_line0(m: u32, k: u32, tap: u32) -> Line { return Line(a_base + k * dims.a_stride, k, true); }
fn a_at0(line: Line, k0: u32, m: u32) -> vec4<f32> {
  let i = line.start + k0 * dims.a_stride;
  return within_k(vec4<f32>(a_one(i, m), a_one(i, m + 1u), a_one(i, m + 2u), a_one(i, m + 3u)), line.k + k0);
}
fn a_one(i: u32, m: u32) -> f32 { return load_a(i + min(m, dims.m - 1u)); }
#endif
#else
fn a_at0(line: Line, k0: u32, m: u32) -> vec4<f32> {
#if A_WIDTH == 4
#if A_LAYOUT == row
  return within_k(load_a(line.start + k0 / 4u), line.k + k0);
#else
  return select(vec4<f32>(), within_k(load_a(line.start + k0 / 4u), line.k + k0), line.live);
#endif
#else
  return vec4<f32>(a_one(line, k0), a_one(line, k0 + 1u), a_one(line, k0 + 2u), a_one(line, k0 + 3u));
#endif
}
#if A_WIDTH != 4
fn a_one(line: Line, k: u32) -> f32 { return select(0.0, load_a(line.start + k), line.live && line.k + k < dims.k); }
#endif
#endif

#if B_LAYOUT == nk
fn b_line0(n: u32, k: u32, tap: u32) -> Line {
  return Line((b_base + min(n, dims.n - 1u) * dims.b_stride + tap * dims.k + k) / ${B_WIDTH}u, k, true);
}
fn b_at0(line: Line, k0: u32, n: u32) -> vec4<f32> {
#if B_WIDTH == 4
  return within_k(load_b(line.start + k0 / 4u), line.k + k0);
#else
  return vec4<f32>(b_one(line, k0), b_one(line, k0 + 1u), b_one(line, k0 + 2u), b_one(line, k0 + 3u));
#endif
}
#if B_WIDTH != 4
fn b_one(line: Line, k: u32) -> f32 { return select(0.0, load_b(line.start + k), line.k + k < dims.k); }
#endif
#else
// Elements from one k to the next.
fn b_row() -> u32 {
#if B_LAYOUT == conv_dx
  return 9u * dims.n;
#else
  return dims.b_stride;
#endif
}
fn b_line0(n: u32, k: u32, tap: u32) -> Line {
  let row = b_base + k * b_row() + tap * dims.n;
#if B_WIDTH == 4
  return Line((row + min(n, (dims.n - 1u) & ~3u)) / 4u, k, true);
#else
  return Line(row, k, true);
#endif
}
fn b_at0(line: Line, k0: u32, n: u32) -> vec4<f32> {
#if B_WIDTH == 4
  return within_k(load_b(line.start + k0 * (b_row() / 4u)), line.k + k0);
#else
  let i = line.start + k0 * b_row();
  return within_k(vec4<f32>(b_one(i, n), b_one(i, n + 1u), b_one(i, n + 2u), b_one(i, n + 3u)), line.k + k0);
#endif
}
#if B_WIDTH != 4
fn b_one(i: u32, n: u32) -> f32 { return load_b(i + min(n, dims.n - 1u)); }
#endif
#endif
