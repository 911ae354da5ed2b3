// gemm: y[z] = epilogue(a[z] · b[z]), the one matrix product behind linear, conv2d and attention. m rows, n columns, sums over k in f32.
//   a   A_LAYOUT row: (m, k)   col: (k, m)   conv: 3×3 patches of an image (h, w, k)   conv_dx: what conv's backward gathers from dy (h, w, k)
//   b   B_LAYOUT nk: (n, k), for conv (n, 3, 3, k)    kn: (k, n)    conv_dx: conv weights (k, 3, 3, n)
//   epilogue: × alpha, + bias (n), + row_bias (batch, n), + scale · h (m, rank) · low (n, rank), + addend (m, n), + y if ACCUMULATE
// Each thread makes ROWS × 4 results. TILED (ROWS 4): a workgroup of S × S threads shares a 4S × 16 tile of a and of b in workgroup memory, each kept as
// vec4 along the dimension that is contiguous in storage and permuted so that neighbouring threads read neighbouring words.
// Otherwise every thread loads for itself: faster where workgroup memory is emulated.
#include gemm-operands
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
  let m0 = (group.y + dims.first_tile) * ${ROWS * S}u;
  let m = m0 + local.y * ${ROWS}u;
  let n = n0 + local.x * 4u;
#for i in 0..ROWS
  var acc${i} = vec4<f32>();
#endfor
#if TILED
  let t = local.y * ${S}u + local.x;
#endif

#if TAPS == 1
  let tap = 0u;
#else
  for (var tap = 0u; tap < ${TAPS}u; tap++) {
#endif
#if TILED
#for l in 0..LOADS
  let e${l} = t + ${l * S * S}u; // of the tile's 16 · S vec4s; as rows of 16 k: row e / 4, quad e % 4; as k of 4S rows: k e / S, quad e % S
#if A_LAYOUT != col
  let a_from${l} = a_line(m0 + (e${l} >> 2u), tap);
#endif
#if B_LAYOUT == nk
  let b_from${l} = b_line(n0 + (e${l} >> 2u), tap);
#endif
#endfor
  for (var k0 = 0u; k0 < dims.k; k0 += 16u) {
#for l in 0..LOADS
#if A_LAYOUT == col
    let a_in${l} = a_at(k0 + e${l} / ${S}u, m0 + (e${l} % ${S}u) * 4u);
#else
    let a_in${l} = a_at(a_from${l}, k0 + (e${l} & 3u) * 4u);
#endif
#if B_LAYOUT == nk
    let b_in${l} = b_at(b_from${l}, k0 + (e${l} & 3u) * 4u);
#else
    let b_in${l} = b_at(tap, k0 + e${l} / ${S}u, n0 + (e${l} % ${S}u) * 4u);
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
#for i in 0..ROWS
  let a_from${i} = a_line(m + ${i}u, tap);
#endfor
#endif
#if B_LAYOUT == nk
#for i in 0..4
  let b_from${i} = b_line(n + ${i}u, tap);
#endfor
#endif
  for (var k0 = 0u; k0 < dims.k; k0 += 4u) {
#endif
#for q in 0..QUADS
#for i in 0..4
#if TILED
    let b${i}_${q} = sh_b[${(4 * q + i) * S}u + local.x];
#else
#if B_LAYOUT == nk
    let b${i}_${q} = b_at(b_from${i}, k0);
#else
    let b${i}_${q} = b_at(tap, k0 + ${i}u, n);
#endif
#endif
#endfor
#if A_LAYOUT == col
#for g in 0..ROWS / 4
#for i in 0..4
#if TILED
    let a${i}_${g}_${q} = sh_a[${(4 * q + i) * S}u + local.y];
#else
    let a${i}_${g}_${q} = a_at(k0 + ${i}u, m + ${4 * g}u);
#endif
#endfor
#for i in 0..4
    acc${4 * g + i} += a0_${g}_${q}[${i}] * b0_${q} + a1_${g}_${q}[${i}] * b1_${q} + a2_${g}_${q}[${i}] * b2_${q} + a3_${g}_${q}[${i}] * b3_${q};
#endfor
#endfor
#else
#for i in 0..ROWS
#if TILED
    let a${i}_${q} = sh_a[${(4 * q + i) * S}u + local.y];
#else
    let a${i}_${q} = a_at(a_from${i}, k0);
#endif
#if B_LAYOUT == nk
    acc${i} += vec4<f32>(dot(a${i}_${q}, b0_${q}), dot(a${i}_${q}, b1_${q}), dot(a${i}_${q}, b2_${q}), dot(a${i}_${q}, b3_${q}));
#else
    acc${i} += a${i}_${q}.x * b0_${q} + a${i}_${q}.y * b1_${q} + a${i}_${q}.z * b2_${q} + a${i}_${q}.w * b3_${q};
#endif
#endfor
#endif
#endfor
  }
#if TAPS != 1
  }
#endif
#for i in 0..ROWS
  finish(m + ${i}u, n, acc${i});
#endfor
}
