// sum-rows: y (images, channels) = the sum of x (images, positions, channels) over positions. Channels in row_units of WIDTH.
// LANES threads share a unit's sum, each every LANES-th position, and the first adds them up in their order.
#if LANES > 1
var<workgroup> sh_sums: array<V, ${COLUMNS * LANES}>;
#endif

@compute @workgroup_size(${COLUMNS}, ${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  let unit = group.x * ${COLUMNS}u + local.x;
  var sum = V();
  if (unit < dims.row_units) {
    for (var p = local.y; p < dims.positions; p += ${LANES}u) {
      sum += load_x((group.y * dims.positions + p) * dims.row_units + unit);
    }
  }
#if LANES > 1
  sh_sums[local.y * ${COLUMNS}u + local.x] = sum;
  workgroupBarrier();
  sum = V();
  for (var lane = 0u; lane < ${LANES}u; lane++) { sum += sh_sums[lane * ${COLUMNS}u + local.x]; }
#endif
  if (local.y == 0u && unit < dims.row_units) { store_y(group.y * dims.row_units + unit, sum); }
}
