// quantise: f16 weights, a piece at a time as they arrive -> q8, 8-bit weights with a scale for every 32. gpu/shader.ts reads the same words.
//   quantise   halves (64 for each thread) -> words (17 for each thread); a weight that is no finite number is reported by its place
//
// 64 weights are 17 words: one with the f16 scales of their two blocks, then 16 words of four int8 each, all little endian.
//   scale  = f16(max |w| · 128/127), at least 2⁻¹⁴: a subnormal half may read as zero on a GPU
//   q      = w / (scale / 128), to the nearest whole number, a half to the even one, within ±127
//   weight = q · scale / 128: 7 bits times 11 bits times a power of two is exact in f32, so that every driver reads the same weights
// Every driver writes the same words, too: the scale is computed in whole numbers, and what is not exact below is nearer than what it decides.
// One scale a channel of 1280 is coarser: 1.5 times the error on normal weights, 2.6 times where single weights stand out (Student t(4)).
// A scale that cuts the largest weight off, searched for block by block, takes only 1 % off the error.

struct Piece {
  groups: u32,      // of 64 weights
  first_group: u32, // where they go
  tensor: u32,      // whose they are
}
@group(0) @binding(0) var<uniform> piece: Piece;
@group(0) @binding(1) var<storage, read> halves: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> not_finite: array<atomic<u32>>; // for each tensor the first such weight

const SMALLEST_SCALE = 0x0400u; // 2⁻¹⁴, the smallest normal half
const LARGEST_SCALE = 0x7bffu;  // 65504
const INFINITE = 0x7c00u;

fn four(pair: vec2<u32>) -> vec4<u32> { return vec4<u32>(pair.x & 0xffffu, pair.x >> 16u, pair.y & 0xffffu, pair.y >> 16u); }
fn magnitude(h: vec4<u32>) -> vec4<u32> { return h & vec4<u32>(0x7fffu); }

// A half's magnitude from its bits, exactly; unpack2x16float may flush subnormals.
fn value(m: vec4<u32>) -> vec4<f32> {
  let normal = bitcast<vec4<f32>>((m << vec4<u32>(13u)) + vec4<u32>(112u << 23u));
  return select(normal, vec4<f32>(m) * 0x1p-24f, m < vec4<u32>(0x400u));
}

// Bits of f16(largest · 128/127). m · 128/127 is never halfway between two whole numbers, nor is m · 64/127.
fn scale_of(largest: u32) -> u32 {
  let exponent = max(largest >> 10u, 1u);
  let m = (largest & 1023u) | select(0u, 1024u, largest >= 1024u);
  let grown = (256u * m + 127u) / 254u;
  let bits = select(1024u * (exponent - 1u) + grown, 1024u * exponent + (128u * m + 127u) / 254u, grown >= 2048u);
  return clamp(bits, SMALLEST_SCALE, LARGEST_SCALE);
}

// Four weights as int8. Two halves' quotient (times 128) is a tie or at least 2⁻¹³ from one; here it is off by 2⁻¹⁵ at most.
fn quantised(h: vec4<u32>, steps: f32) -> u32 {
  let x = value(magnitude(h)) * steps;
  let below = floor(x);
  let over = x - below;
  let down = vec4<u32>(below);
  let tie = abs(over - vec4<f32>(0.5)) < vec4<f32>(0x1p-14f);
  let up = select(vec4<u32>(over > vec4<f32>(0.5)), down & vec4<u32>(1u), tie);
  let q = min(down + up, vec4<u32>(127u));
  let bytes = select(q, vec4<u32>(256u) - q, h >= vec4<u32>(0x8000u)) & vec4<u32>(255u);
  return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

// The largest magnitude of eight halves in each of four lanes.
fn largest_of(eight: vec4<u32>) -> vec4<u32> { return max(magnitude(four(eight.xy)), magnitude(four(eight.zw))); }

fn store(to: u32, eight: vec4<u32>, steps: f32) {
  words[to] = quantised(four(eight.xy), steps);
  words[to + 1u] = quantised(four(eight.zw), steps);
}

// The block of 32 at `first` (in units of eight halves) to eight words; its scale's bits.
fn block(first: u32, to: u32) -> u32 {
  let a = halves[first];
  let b = halves[first + 1u];
  let c = halves[first + 2u];
  let d = halves[first + 3u];
  let most = max(max(largest_of(a), largest_of(b)), max(largest_of(c), largest_of(d)));
  let largest = max(max(most.x, most.y), max(most.z, most.w));
  if (largest >= INFINITE) { report(first); }
  let bits = scale_of(min(largest, INFINITE - 1u));
  let steps = 128.0 / value(vec4<u32>(bits)).x;
  store(to, a, steps);
  store(to + 2u, b, steps);
  store(to + 4u, c, steps);
  store(to + 6u, d, steps);
  return bits;
}

fn report(first: u32) {
  for (var i = 0u; i < 32u; i++) {
    let word = halves[first + i / 8u][(i / 2u) % 4u];
    if (((word >> (16u * (i % 2u))) & INFINITE) == INFINITE) {
      atomicMin(&not_finite[piece.tensor], 64u * piece.first_group + 8u * first + i);
      return;
    }
  }
}

@compute @workgroup_size(64)
fn quantise(@builtin(global_invocation_id) id: vec3<u32>) {
  let group = id.x;
  if (group >= piece.groups) { return; }
  let to = 17u * (piece.first_group + group);
  let low = block(8u * group, to + 1u);
  let high = block(8u * group + 4u, to + 9u);
  words[to] = low | (high << 16u);
}
