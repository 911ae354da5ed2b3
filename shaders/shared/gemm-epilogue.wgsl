// gemm's epilogue: four results of one row, (m, n … n+3) → y. N_WIDTH is the access width of everything that runs along n.
#if HAS_BIAS
fn bias_at(n: u32) -> vec4<f32> {
#if N_WIDTH == 4
  return load_bias(n >> 2u);
#else
  var v = vec4<f32>();
#for j in 0..4
  if (n + ${j}u < dims.n) { v[${j}] = load_bias(n + ${j}u); }
#endfor
  return v;
#endif
}
#endif
#if HAS_ROW_BIAS
fn row_bias_at(m: u32, n: u32) -> vec4<f32> {
  let i = m / (dims.rows_h * dims.rows_w) * dims.n + n;
#if N_WIDTH == 4
  return load_row_bias(i >> 2u);
#else
  var v = vec4<f32>();
#for j in 0..4
  if (n + ${j}u < dims.n) { v[${j}] = load_row_bias(i + ${j}u); }
#endfor
  return v;
#endif
}
#endif
fn finish(m: u32, n: u32, sum: vec4<f32>) {
  if (m >= dims.m || n >= dims.n) { return; }
  var v = sum;
#if ALPHA
  v *= dims.alpha;
#endif
#if SCALE_SUM
  v *= load_scale(0u);
#endif
#if HAS_BIAS
  v += bias_at(n);
#endif
#if HAS_ROW_BIAS
  v += row_bias_at(m, n);
#endif
  let i = y_base + m * dims.y_stride + n;
#if N_WIDTH == 4
#if HAS_ADDEND
  v += load_addend(i >> 2u);
#endif
#if ACCUMULATE
  v += load_y(i >> 2u);
#endif
  store_y(i >> 2u, v);
#endif
#if N_WIDTH == 2
#for j in 0..2
  if (n + ${2 * j}u < dims.n) {
    var pair${j} = vec2<f32>(v[${2 * j}], v[${2 * j + 1}]);
#if HAS_ADDEND
    pair${j} += load_addend((i >> 1u) + ${j}u);
#endif
#if ACCUMULATE
    pair${j} += load_y((i >> 1u) + ${j}u);
#endif
    store_y((i >> 1u) + ${j}u, pair${j});
  }
#endfor
#endif
#if N_WIDTH == 1
#for j in 0..4
  if (n + ${j}u < dims.n) {
    var one${j} = v[${j}];
#if HAS_ADDEND
    one${j} += load_addend(i + ${j}u);
#endif
#if ACCUMULATE
    one${j} += load_y(i + ${j}u);
#endif
    store_y(i + ${j}u, one${j});
  }
#endfor
#endif
}
