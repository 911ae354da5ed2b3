// latents: diffusers' (B, C, h, w) ↔ the engine's (B, h, w, C). Tiny arrays, on the CPU.

export interface LatentDims {
  batch: number;
  channels: number;
  height: number;
  width: number;
}

const each = (d: LatentDims, visit: (nchw: number, nhwc: number) => void): void => {
  const pixels = d.height * d.width;
  for (let b = 0; b < d.batch; b++)
    for (let c = 0; c < d.channels; c++)
      for (let p = 0; p < pixels; p++) visit((b * d.channels + c) * pixels + p, (b * pixels + p) * d.channels + c);
};
const expectLength = (values: Float32Array, d: LatentDims): void => {
  const expected = d.batch * d.channels * d.height * d.width;
  if (values.length !== expected)
    throw new Error(
      `latents: expected ${expected} values (${d.batch}, ${d.channels}, ${d.height}, ${d.width}), got ${values.length}`,
    );
};

export function latentsToNhwc(values: Float32Array, d: LatentDims): Float32Array<ArrayBuffer> {
  expectLength(values, d);
  const out = new Float32Array(values.length);
  each(d, (from, to) => {
    out[to] = values[from] as number;
  });
  return out;
}
export function nhwcToLatents(values: Float32Array, d: LatentDims): Float32Array<ArrayBuffer> {
  expectLength(values, d);
  const out = new Float32Array(values.length);
  each(d, (to, from) => {
    out[to] = values[from] as number;
  });
  return out;
}
