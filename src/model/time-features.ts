// timestepEmbedding: a timestep → its sin / cos features, on the CPU: WGSL's sin and cos promise 2⁻¹¹ only, and only within [−π, π].

export interface TimeFeatures {
  /** Cosines before sines (SD: true). */
  flipSinToCos: boolean;
  /** SD: 0. */
  freqShift: number;
}

/**
 * diffusers' get_timestep_embedding (max_period 10000, scale 1) in f64: angle_i = t · exp(−ln(10000) · i / (dim/2 − freqShift));
 * [sin, cos] or, flipped, [cos, sin]; an odd dim ends in a zero.
 * @returns (dim)
 */
export function timestepEmbedding(
  timestep: number,
  dim: number,
  { flipSinToCos, freqShift }: TimeFeatures,
): Float32Array<ArrayBuffer> {
  const half = Math.floor(dim / 2);
  const features = new Float32Array(dim);
  for (let i = 0; i < half; i++) {
    const angle = timestep * Math.exp((-Math.log(10000) * i) / (half - freqShift));
    features[i + (flipSinToCos ? half : 0)] = Math.sin(angle);
    features[i + (flipSinToCos ? 0 : half)] = Math.cos(angle);
  }
  return features;
}
