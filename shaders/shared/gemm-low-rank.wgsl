// gemm's part 1: what LoRA adds to a frozen product is `rank` more of k. a: scale · h (m, rank); b: low, (n, rank) where B_LAYOUT is nk, else (rank, n).
// Lines as in gemm-operands.
fn a_line1(m: u32, k: u32) -> Line { return Line((min(m, dims.m - 1u) * dims.rank + k) / ${H_WIDTH}u, k, true); }
fn a_at1(line: Line, k0: u32) -> vec4<f32> {
#if H_WIDTH == 4
  let h = select(vec4<f32>(), load_h(line.start + k0 / 4u), line.k + k0 < dims.rank);
#else
  let h = vec4<f32>(h_one(line, k0), h_one(line, k0 + 1u), h_one(line, k0 + 2u), h_one(line, k0 + 3u));
#endif
#if SCALE_LOW
  return load_scale(0u) * h;
#else
  return h;
#endif
}
#if H_WIDTH != 4
fn h_one(line: Line, k: u32) -> f32 { return select(0.0, load_h(line.start + k), line.k + k < dims.rank); }
#endif

#if B_LAYOUT == nk
fn b_line1(n: u32, k: u32) -> Line { return Line((min(n, dims.n - 1u) * dims.rank + k) / ${LOW_WIDTH}u, k, true); }
fn b_at1(line: Line, k0: u32, n: u32) -> vec4<f32> {
#if LOW_WIDTH == 4
  return select(vec4<f32>(), load_low(line.start + k0 / 4u), line.k + k0 < dims.rank);
#else
  return vec4<f32>(low_one(line, k0), low_one(line, k0 + 1u), low_one(line, k0 + 2u), low_one(line, k0 + 3u));
#endif
}
#if LOW_WIDTH != 4
fn low_one(line: Line, k: u32) -> f32 { return select(0.0, load_low(line.start + k), line.k + k < dims.rank); }
#endif
#else
fn b_line1(n: u32, k: u32) -> Line { return Line(k * dims.n, k, true); }
fn b_at1(line: Line, k0: u32, n: u32) -> vec4<f32> {
  let i = line.start + k0 * dims.n;
#if LOW_WIDTH == 4
  let low = load_low((i + min(n, (dims.n - 1u) & ~3u)) / 4u);
#else
  let low = vec4<f32>(low_one(i, n), low_one(i, n + 1u), low_one(i, n + 2u), low_one(i, n + 3u));
#endif
  return select(vec4<f32>(), low, line.k + k0 < dims.rank);
}
#if LOW_WIDTH != 4
fn low_one(i: u32, n: u32) -> f32 { return load_low(i + min(n, dims.n - 1u)); }
#endif
#endif
