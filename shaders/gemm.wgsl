// gemm: y[z] = epilogue(a[z] · b[z]), the one matrix product behind linear, conv2d and attention. m rows, n columns, sums over k in f32.
//   a   A_LAYOUT row: (m, k)   col: (k, m)   conv: 3×3 patches of an image (h, w, k)   conv_dx: what conv's backward gathers from dy (h, w, k)
//   b   B_LAYOUT nk: (n, k), for conv (n, 3, 3, k)    kn: (k, n)    conv_dx: conv weights (k, 3, 3, n)
//   sums go on over `rank` more: scale · h (m, rank) times low, (n, rank) or (rank, n) as b is (LoRA)
//   epilogue: × alpha, + bias (n), + row_bias (batch, n), + addend (m, n), + y if ACCUMULATE
// A workgroup of SN × SM threads makes a tile of ROWS · SM × COLS · SN results, each thread ROWS × COLS of them in groups of four: group local + S · i.
// TILED: the tile's 4 · QUADS k of a and of b lie in workgroup memory, each kept as vec4 along the dimension that is contiguous in storage. Along k:
// quad q of row 4·g + i at q · QUAD + i · ROW + g, strides that let eight neighbouring threads store to and read from eight different 16-byte banks
// (ops/gemm-tiles.ts). Slots are worked out before the loops and with % and /, whose ranges Tint knows: no clamp on an index. Otherwise every thread loads for itself: faster where workgroup memory is emulated.
#include gemm-operands
#if HAS_LOW
#include gemm-low-rank
#endif
#include gemm-epilogue

#if TILED
var<workgroup> sh_a: array<vec4<f32>, ${A_SIZE}>;
var<workgroup> sh_b: array<vec4<f32>, ${B_SIZE}>;
#endif

@compute @workgroup_size(${SN}, ${SM})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
#if BATCHED
  let image = group.z / dims.heads;
  let head = group.z % dims.heads;
  a_base = dims.a_base + image * dims.a_batch + head * dims.a_head;
  b_base = dims.b_base + image * dims.b_batch + head * dims.b_head;
  y_base = dims.y_base + image * dims.y_batch + head * dims.y_head;
#endif
  let n0 = group.x * ${COLS * SN}u;
  let m0 = (group.y + dims.first_tile) * ${ROWS * SM}u;
  let m = m0 + local.y * 4u;
  let n = n0 + local.x * 4u;
#for r in 0..ROWS
#for j in 0..COLS / 4
  var acc${r}_${j} = vec4<f32>();
#endfor
#endfor
#if TILED
  // The element of a tile that thread t brings, and every ${SN * SM} after it. Along k: quad t % QUADS of row t / QUADS; else a group of four rows at one k.
  let t = local.y * ${SN}u + local.x;
#if A_LAYOUT == col
  let a_m = m0 + (t & ${ROWS * SM / 4 - 1}u) * 4u;
  let a_k = t / ${ROWS * SM / 4}u;
  let a_slot = t;
#else
  let a_m = m0 + t / ${QUADS}u;
  let a_k = (t & ${QUADS - 1}u) * 4u;
  let a_slot = t % ${QUADS}u * ${A_QUAD}u + t / ${QUADS}u % 4u * ${A_ROW}u + t / ${4 * QUADS}u;
#endif
#if B_LAYOUT == nk
  let b_n = n0 + t / ${QUADS}u;
  let b_k = (t & ${QUADS - 1}u) * 4u;
  let b_slot = t % ${QUADS}u * ${B_QUAD}u + t / ${QUADS}u % 4u * ${B_ROW}u + t / ${4 * QUADS}u;
#else
  let b_n = n0 + (t & ${COLS * SN / 4 - 1}u) * 4u;
  let b_k = t / ${COLS * SN / 4}u;
  let b_slot = t;
#endif
#endif

#if TAPS == 1
  let tap = 0u;
#else
  for (var tap = 0u; tap < ${TAPS}u; tap++) {
#endif
#if TILED
#for l in 0..A_LOADS
#if A_LAYOUT == col
  let a_from${l} = a_line0(a_m, a_k + ${l * SN * SM * 4 / (ROWS * SM)}u, tap);
#else
  let a_from${l} = a_line0(a_m + ${l * SN * SM / QUADS}u, a_k, tap);
#endif
#endfor
#for l in 0..B_LOADS
#if B_LAYOUT == nk
  let b_from${l} = b_line0(b_n + ${l * SN * SM / QUADS}u, b_k, tap);
#else
  let b_from${l} = b_line0(b_n, b_k + ${l * SN * SM * 4 / (COLS * SN)}u, tap);
#endif
#endfor
#else
#if A_LAYOUT == col
#for g in 0..ROWS / 4
#for c in 0..4
  let a_from${c}_${g} = a_line0(m + ${4 * g * SM}u, ${c}u, tap);
#endfor
#endfor
#else
#for r in 0..ROWS
  let a_from${r} = a_line0(m + ${r / 4 * 4 * SM + r % 4}u, 0u, tap);
#endfor
#endif
#for j in 0..COLS / 4
#for i in 0..4
#if B_LAYOUT == nk
  let b_from${i}_${j} = b_line0(n + ${4 * j * SN + i}u, 0u, tap);
#else
  let b_from${i}_${j} = b_line0(n + ${4 * j * SN}u, ${i}u, tap);
#endif
#endfor
#endfor
#endif
#if HAS_LOW
  let low_from = (dims.k + ${4 * QUADS - 1}u) / ${4 * QUADS}u * ${4 * QUADS}u;
  let depth = low_from + dims.rank;
#else
  let depth = dims.k;
#endif
  for (var k0 = 0u; k0 < depth; k0 += ${4 * QUADS}u) {
#if TILED
#for l in 0..A_LOADS
    var a_in${l}: vec4<f32>;
#endfor
#for l in 0..B_LOADS
    var b_in${l}: vec4<f32>;
#endfor
#if HAS_LOW
    if (k0 < low_from) {
#endif
#for l in 0..A_LOADS
    a_in${l} = a_at0(a_from${l}, k0, a_m);
#endfor
#for l in 0..B_LOADS
    b_in${l} = b_at0(b_from${l}, k0, b_n);
#endfor
#if HAS_LOW
    } else {
#for l in 0..A_LOADS
    a_in${l} = a_at1(a_line1(a_m + ${l * SN * SM / QUADS}u, a_k), k0 - low_from);
#endfor
#for l in 0..B_LOADS
#if B_LAYOUT == nk
    b_in${l} = b_at1(b_line1(b_n + ${l * SN * SM / QUADS}u, b_k), k0 - low_from, b_n);
#else
    b_in${l} = b_at1(b_line1(b_n, b_k + ${l * SN * SM * 4 / (COLS * SN)}u), k0 - low_from, b_n);
#endif
#endfor
    }
#endif
    workgroupBarrier();
#for l in 0..A_LOADS
#if A_LAYOUT == col
    sh_a[a_slot + ${l * SN * SM}u] = a_in${l};
#else
    sh_a[a_slot + ${l * SN * SM / (4 * QUADS)}u] = a_in${l};
#endif
#endfor
#for l in 0..B_LOADS
#if B_LAYOUT == nk
    sh_b[b_slot + ${l * SN * SM / (4 * QUADS)}u] = b_in${l};
#else
    sh_b[b_slot + ${l * SN * SM}u] = b_in${l};
#endif
#endfor
    workgroupBarrier();
#else
#if A_LAYOUT == col
#for g in 0..ROWS / 4
#for c in 0..4
    let a${c}_${g} = a_at0(a_from${c}_${g}, k0, m + ${4 * g * SM}u);
#endfor
#endfor
#else
#for r in 0..ROWS
    var a${r}: vec4<f32>;
#endfor
#endif
#for j in 0..COLS / 4
#for i in 0..4
    var b${i}_${j}: vec4<f32>;
#endfor
#endfor
#if HAS_LOW
    if (k0 < low_from) {
#endif
#if A_LAYOUT != col
#for r in 0..ROWS
    a${r} = a_at0(a_from${r}, k0, m);
#endfor
#endif
#for j in 0..COLS / 4
#for i in 0..4
    b${i}_${j} = b_at0(b_from${i}_${j}, k0, n + ${4 * j * SN}u);
#endfor
#endfor
#if HAS_LOW
    } else {
#for r in 0..ROWS
    a${r} = a_at1(a_line1(m + ${r / 4 * 4 * SM + r % 4}u, 0u), k0 - low_from);
#endfor
#for j in 0..COLS / 4
#for i in 0..4
#if B_LAYOUT == nk
    b${i}_${j} = b_at1(b_line1(n + ${4 * j * SN + i}u, 0u), k0 - low_from, n);
#else
    b${i}_${j} = b_at1(b_line1(n + ${4 * j * SN}u, ${i}u), k0 - low_from, n + ${4 * j * SN}u);
#endif
#endfor
#endfor
    }
#endif
#endif
#if TILED
    for (var q = 0u; q < ${QUADS}u; q++) {
#endif
#if TILED && A_LAYOUT == col
#for g in 0..ROWS / 4
#for c in 0..4
    let a${c}_${g} = sh_a[q * ${ROWS * SM}u + ${c * (ROWS * SM / 4) + g * SM}u + local.y];
#endfor
#endfor
#endif
#if TILED && A_LAYOUT != col
#for r in 0..ROWS
    let a${r} = sh_a[q * ${A_QUAD}u + ${r % 4 * A_ROW + r / 4 * SM}u + local.y];
#endfor
#endif
#for j in 0..COLS / 4
#for i in 0..4
#if TILED && B_LAYOUT == nk
    let b${i}_${j} = sh_b[q * ${B_QUAD}u + ${i * B_ROW + j * SN}u + local.x];
#endif
#if TILED && B_LAYOUT != nk
    let b${i}_${j} = sh_b[q * ${COLS * SN}u + ${i * (COLS * SN / 4) + j * SN}u + local.x];
#endif
#if B_LAYOUT == nk
#for r in 0..ROWS
#for c in 0..4
#if A_LAYOUT == col
    acc${r}_${j}[${i}] = fma(a${c}_${r / 4}[${r % 4}], b${i}_${j}[${c}], acc${r}_${j}[${i}]);
#else
    acc${r}_${j}[${i}] = fma(a${r}[${c}], b${i}_${j}[${c}], acc${r}_${j}[${i}]);
#endif
#endfor
#endfor
#else
#for r in 0..ROWS
#if A_LAYOUT == col
    acc${r}_${j} = fma(vec4<f32>(a${i}_${r / 4}[${r % 4}]), b${i}_${j}, acc${r}_${j});
#else
    acc${r}_${j} = fma(vec4<f32>(a${r}[${i}]), b${i}_${j}, acc${r}_${j});
#endif
#endfor
#endif
#endfor
#endfor
#if TILED
    }
#endif
  }
#if TAPS != 1
  }
#endif
#for r in 0..ROWS
#for j in 0..COLS / 4
  finish(m + ${r / 4 * 4 * SM + r % 4}u, n + ${4 * j * SN}u, acc${r}_${j});
#endfor
#endfor
}
