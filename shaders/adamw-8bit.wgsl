// adamw-8bit: one step of bitsandbytes' AdamW8bit as its CUDA kernels take it, a workgroup for each block of ≤ 256 parameters of one tensor.
//   adamw_8bit   state (16), map (512: of first moments, of second), blocks (4 words each) -> params, moments updated in place; grads zeroed
// A block's words in `blocks`: its first parameter, how many, where its moments begin in `moments`, 1 where they are 8-bit. Its moments: n + n
// f32, or the two absmax and then n + n codes, four a word (src/plan/moments.ts).
#include reduce

var<workgroup> sh_map: array<f32, 512>;
var<workgroup> sh_codes: array<u32, 256>;

// The nearest of the 256 values that begin at `base`: the last that is not above x, or the one after it.
fn nearest(base: u32, x: f32) -> u32 {
  var at = 0u;
  for (var step = 128u; step > 0u; step = step / 2u) {
    if (sh_map[base + at + step] <= x) { at += step; }
  }
  let above = min(at + 1u, 255u);
  return select(at, above, x > (sh_map[base + at] + sh_map[base + above]) * 0.5);
}
// A block of zeros has no absmax to divide by.
fn share(x: f32, absmax: f32) -> f32 { return select(0.0, x / max(absmax, 1e-38), absmax > 0.0); }
fn code_at(word: u32, lane: u32) -> u32 { return (moments_data[word + lane / 4u] >> (8u * (lane & 3u))) & 255u; }

@compute @workgroup_size(256)
fn adamw_8bit(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let block = workgroup.x + workgroup.y * groups.x;
  if (block >= dims.count) { return; }
  sh_map[lane] = load_map(lane);
  sh_map[256u + lane] = load_map(256u + lane);
  workgroupBarrier();
  let first = blocks_data[4u * block];
  let values = blocks_data[4u * block + 1u];
  let at = blocks_data[4u * block + 2u];
  let packed = blocks_data[4u * block + 3u] == 1u;
  let words = (values + 3u) / 4u;
  let mine = lane < values;
  let i = first + min(lane, values - 1u);
  let taken = load_state(${FINITE}u) != 0.0;
  let g = load_grads(i) * load_state(${GRADIENT_SCALE}u);
  var m = 0.0;
  var v = 0.0;
  if (mine && packed) {
    m = sh_map[code_at(at + 2u, lane)] * bitcast<f32>(moments_data[at]);
    v = sh_map[256u + code_at(at + 2u + words, lane)] * bitcast<f32>(moments_data[at + 1u]);
  }
  if (mine && !packed) {
    m = bitcast<f32>(moments_data[at + lane]);
    v = bitcast<f32>(moments_data[at + values + lane]);
  }
  if (mine) {
    m = m * dims.beta1 + dims.one_minus_beta1 * g;
    v = v * dims.beta2 + dims.one_minus_beta2 * g * g;
  }
  let absmax_m = workgroup_max(lane, abs(m));
  let absmax_v = workgroup_max(lane, v);
  if (mine) { store_grads(i, 0.0); }
  if (mine && taken) {
    let lr = load_state(${LEARNING_RATE}u);
    let correction2 = sqrt(load_state(${BIAS_CORRECTION_2}u));
    let p = load_params(i) - lr * correction2 / load_state(${BIAS_CORRECTION_1}u) * (m / (sqrt(v) + correction2 * dims.epsilon));
    store_params(i, p * (1.0 - lr * dims.weight_decay));
  }
  // A negative first moment that was rounded to zero keeps its sign: one step back.
  let rounded = nearest(0u, share(m, absmax_m));
  let code_m = select(rounded, rounded - 1u, m < 0.0 && sh_map[rounded] == 0.0);
  sh_codes[lane] = code_m | (nearest(256u, share(v, absmax_v)) << 8u);
  workgroupBarrier();
  if (!taken) { return; }
  if (packed) {
    if (lane == 0u) {
      moments_data[at] = bitcast<u32>(absmax_m);
      moments_data[at + 1u] = bitcast<u32>(absmax_v);
    }
    if (lane < words) {
      var codes = vec2<u32>(0u);
#for k in 0..4
      codes |= (vec2<u32>(sh_codes[4u * lane + ${k}u] & 255u, sh_codes[4u * lane + ${k}u] >> 8u)) << vec2<u32>(${8 * k}u);
#endfor
      moments_data[at + 2u + lane] = codes.x;
      moments_data[at + 2u + words + lane] = codes.y;
    }
  } else if (mine) {
    moments_data[at + lane] = bitcast<u32>(m);
    moments_data[at + values + lane] = bitcast<u32>(v);
  }
}
