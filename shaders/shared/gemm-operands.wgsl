// gemm's operands: four values of a or b at a time. Where k is contiguous in storage (row, conv, nk) a Line says where a row's values start;
// elsewhere (col, kn) four neighbouring rows are read at one k. No branches: rows past the end read the last one again and are never stored;
// k past the end counts as zero, unless EXACT says that there is none.
struct Line { start: u32, live: bool }
var<private> a_base: u32;
var<private> b_base: u32;
var<private> y_base: u32;

#if A_LAYOUT == row
fn a_line(m: u32, tap: u32) -> Line { return Line(a_base + min(m, dims.m - 1u) * dims.a_stride, true); }
#endif
#if A_LAYOUT == conv || A_LAYOUT == conv_dx
// The pixel that tap (3·ky + kx) meets from output m, channels first to last. Positions are u32: above or left of the image they wrap to more
// than any height, so one comparison tests both edges. Signed division here would cost SwiftShader's compiler minutes.
fn a_line(m: u32, tap: u32) -> Line {
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
  return Line(select(0u, ((image * (dims.h >> 1u) + (y >> 1u)) * (dims.w >> 1u) + (x >> 1u)) * dims.k, live), live);
#else
  return Line(select(0u, ((image * dims.h + y) * dims.w + x) * dims.k, live), live);
#endif
}
#endif

#if A_LAYOUT == col
fn a_at(k: u32, m: u32) -> vec4<f32> {
#if A_WIDTH == 4
  return within_k(load_a((a_base + k * dims.a_stride + min(m, (dims.m - 1u) & ~3u)) >> 2u), k < dims.k);
#else
  let i = a_base + k * dims.a_stride;
  return within_k(vec4<f32>(a_one(i, m), a_one(i, m + 1u), a_one(i, m + 2u), a_one(i, m + 3u)), k < dims.k);
#endif
}
#if A_WIDTH != 4
fn a_one(i: u32, m: u32) -> f32 { return load_a(i + min(m, dims.m - 1u)); }
#endif
#else
fn a_at(line: Line, k: u32) -> vec4<f32> {
  let i = line.start + k;
#if A_WIDTH == 4
#if EXACT && A_LAYOUT == row
  return load_a(i >> 2u);
#else
  return select(vec4<f32>(), load_a(i >> 2u), line.live && k < dims.k);
#endif
#else
  return vec4<f32>(a_one(line, k), a_one(line, k + 1u), a_one(line, k + 2u), a_one(line, k + 3u));
#endif
}
#if A_WIDTH != 4
fn a_one(line: Line, k: u32) -> f32 { return select(0.0, load_a(line.start + k), line.live && k < dims.k); }
#endif
#endif
fn within_k(v: vec4<f32>, live: bool) -> vec4<f32> {
#if EXACT
  return v;
#else
  return select(vec4<f32>(), v, live);
#endif
}

#if B_LAYOUT == nk
fn b_line(n: u32, tap: u32) -> Line { return Line(b_base + min(n, dims.n - 1u) * dims.b_stride + tap * dims.k, true); }
fn b_at(line: Line, k: u32) -> vec4<f32> {
#if B_WIDTH == 4
  return within_k(load_b((line.start + k) >> 2u), k < dims.k);
#else
  return vec4<f32>(b_one(line, k), b_one(line, k + 1u), b_one(line, k + 2u), b_one(line, k + 3u));
#endif
}
#if B_WIDTH != 4
fn b_one(line: Line, k: u32) -> f32 { return select(0.0, load_b(line.start + k), k < dims.k); }
#endif
#else
fn b_at(tap: u32, k: u32, n: u32) -> vec4<f32> {
#if B_LAYOUT == conv_dx
  let i = (k * 9u + tap) * dims.n;
#else
  let i = b_base + k * dims.b_stride;
#endif
#if B_WIDTH == 4
  return within_k(load_b((i + min(n, (dims.n - 1u) & ~3u)) >> 2u), k < dims.k);
#else
  return within_k(vec4<f32>(b_one(i, n), b_one(i, n + 1u), b_one(i, n + 2u), b_one(i, n + 3u)), k < dims.k);
#endif
}
#if B_WIDTH != 4
fn b_one(i: u32, n: u32) -> f32 { return load_b(i + min(n, dims.n - 1u)); }
#endif
#endif
