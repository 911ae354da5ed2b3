// Included in every module. V: what a kernel whose operands all have one access width (define WIDTH) computes with.
#if WIDTH == 4
alias V = vec4<f32>;
#endif
#if WIDTH == 2
alias V = vec2<f32>;
#endif
#if WIDTH == 1
alias V = f32;
#endif

// f32 pairs → f16 pairs, rounded to nearest even in integer bits: pack2x16float may truncate (its rounding is the driver's) and may give
// anything out of range. Values past 65504 become Inf and NaN stays NaN, so that an overflow is seen by whoever looks at the bits.
fn f16_bits(v: f32) -> u32 {
  let b = bitcast<u32>(v);
  let sign = (b >> 16u) & 0x8000u;
  let a = b & 0x7fffffffu;
  let normal = ((a + 0xfffu + ((a >> 13u) & 1u)) >> 13u) - 0x1c000u; // 2⁻¹⁴ and up: drop 13 bits, move the exponent's bias from 127 to 15
  let shift = min(126u - (a >> 23u), 25u); // below: the mantissa with its hidden bit, in units of 2⁻²⁴
  let m = (a & 0x7fffffu) | 0x800000u;
  let tiny = (m + (1u << (shift - 1u)) - 1u + ((m >> shift) & 1u)) >> shift;
  var h = select(normal, select(tiny, 0u, a < 0x33000000u), a < 0x38800000u);
  h = select(h, 0x7c00u, a >= 0x477ff000u);
  h = select(h, 0x7e00u, a > 0x7f800000u);
  return sign | h;
}
fn pack_f16(v: vec2<f32>) -> u32 {
  return f16_bits(v.x) | (f16_bits(v.y) << 16u);
}
