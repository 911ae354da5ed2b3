// conv2d, CPU twin: x (B, H, W, I), weight (O, kh, kw, I), bias (O)? → y (B, Ho, Wo, O); and dx, dweight from dy. Plain f64 loops.
import type { Values } from './values.ts';

export interface Conv2dDims {
  batch: number;
  height: number;
  width: number;
  inChannels: number;
  outChannels: number;
  kernel: number;
  stride: number;
  pad: number; // the same on all four sides, zeros
}

/** Ho or Wo: floor((size + 2·pad − kernel) / stride) + 1 (torch.nn.Conv2d, dilation 1). */
export const convOutput = (size: number, d: Conv2dDims): number =>
  Math.floor((size + 2 * d.pad - d.kernel) / d.stride) + 1;

/** Cross-correlation, as torch.nn.functional.conv2d, with channels last on both sides. */
export function conv2d(x: Values, weight: Values, bias: Values | undefined, d: Conv2dDims): Float64Array {
  const y = new Float64Array(d.batch * convOutput(d.height, d) * convOutput(d.width, d) * d.outChannels);
  if (bias) for (let i = 0; i < y.length; i++) y[i] = bias[i % d.outChannels]!;
  visit(d, (xAt, wAt, yAt) => {
    y[yAt]! += x[xAt]! * weight[wAt]!;
  });
  return y;
}

/** Each product of the forward pass sends its gradient back to both factors. */
export function conv2dBackward(x: Values, weight: Values, dy: Values, d: Conv2dDims) {
  const dx = new Float64Array(d.batch * d.height * d.width * d.inChannels);
  const dweight = new Float64Array(d.outChannels * d.kernel * d.kernel * d.inChannels);
  visit(d, (xAt, wAt, yAt) => {
    dx[xAt]! += dy[yAt]! * weight[wAt]!;
    dweight[wAt]! += dy[yAt]! * x[xAt]!;
  });
  return { dx, dweight };
}

/** Calls `product` for every x · w that is part of a y, by their flat indices. */
function visit(d: Conv2dDims, product: (x: number, w: number, y: number) => void): void {
  const outHeight = convOutput(d.height, d);
  const outWidth = convOutput(d.width, d);
  for (let b = 0; b < d.batch; b++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++)
        for (let o = 0; o < d.outChannels; o++)
          for (let ky = 0; ky < d.kernel; ky++)
            for (let kx = 0; kx < d.kernel; kx++) {
              const iy = oy * d.stride + ky - d.pad;
              const ix = ox * d.stride + kx - d.pad;
              if (iy < 0 || iy >= d.height || ix < 0 || ix >= d.width) continue;
              for (let i = 0; i < d.inChannels; i++)
                product(
                  ((b * d.height + iy) * d.width + ix) * d.inChannels + i,
                  ((o * d.kernel + ky) * d.kernel + kx) * d.inChannels + i,
                  ((b * outHeight + oy) * outWidth + ox) * d.outChannels + o,
                );
            }
}
