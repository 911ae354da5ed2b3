// The 256 values that 8-bit moments are kept by: signed or not in, bitsandbytes' table out.

/**
 * bitsandbytes' `create_dynamic_map(signed, max_exponent_bits=7, total_bits=8)` (Dettmers et al., "8-bit Optimizers via Block-wise Quantization",
 * arXiv 2110.02861): seven decades, each with twice as many steps as the one below, 0 and 1; ascending, f32,
 * rounded as torch rounds it.
 */
export function dynamicMap(signed: boolean): Float32Array<ArrayBuffer> {
  const values = [0, 1];
  for (let decade = 0; decade < DECADES; decade++) {
    const steps = 2 ** (signed ? decade : decade + 1);
    const ends = linspace(steps + 1);
    for (let i = 0; i < steps; i++) {
      const middle = Math.fround(Math.fround((ends[i] as number) + (ends[i + 1] as number)) / 2);
      const value = Math.fround(Math.fround(10 ** (decade + 1 - DECADES)) * middle);
      values.push(value, ...(signed ? [-value] : []));
    }
  }
  return Float32Array.from(values).sort();
}

const DECADES = 7;

/** torch.linspace(0.1, 1, count) in f32: its first half is counted from the start, the second from the end, each rounded once. */
function linspace(count: number): Float32Array {
  const start = Math.fround(0.1);
  const step = Math.fround((1 - start) / (count - 1));
  return Float32Array.from({ length: count }, (_, i) =>
    i < Math.floor(count / 2) ? start + step * i : 1 - step * (count - 1 - i),
  );
}
