// Sums and largest values over a workgroup of GROUP threads (a power of two), always in the same order; every thread gets the result and every thread must call.
var<workgroup> sh_sums: array<vec2<f32>, ${GROUP}>;

fn workgroup_sum(lane: u32, v: vec2<f32>) -> vec2<f32> {
  workgroupBarrier(); // the sums of the call before have been read
  sh_sums[lane] = v;
  workgroupBarrier();
  for (var half = ${GROUP / 2}u; half > 0u; half = half / 2u) {
    if (lane < half) { sh_sums[lane] += sh_sums[lane + half]; }
    workgroupBarrier();
  }
  return sh_sums[0];
}

fn workgroup_max(lane: u32, v: f32) -> f32 {
  workgroupBarrier();
  sh_sums[lane].x = v;
  workgroupBarrier();
  for (var half = ${GROUP / 2}u; half > 0u; half = half / 2u) {
    if (lane < half) { sh_sums[lane].x = max(sh_sums[lane].x, sh_sums[lane + half].x); }
    workgroupBarrier();
  }
  return sh_sums[0].x;
}

// The lanes of one value, added.
fn total(v: V) -> f32 {
#if WIDTH == 1
  return v;
#else
  return dot(v, V(1.0));
#endif
}
