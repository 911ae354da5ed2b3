// upsampleNearest, CPU twin: x (B, h, w, C) → y (B, H, W, C); and dx from dy. Plain loops.
import type { Values } from './values.ts';

export interface UpsampleDims {
  batch: number;
  height: number;
  width: number;
  outHeight: number;
  outWidth: number;
  channels: number;
}

/** y[b, Y, X] = x[b, floor(Y·h/H), floor(X·w/W)] (torch interpolate, mode="nearest"). */
export function upsampleNearest(x: Values, d: UpsampleDims): Float64Array {
  const y = new Float64Array(d.batch * d.outHeight * d.outWidth * d.channels);
  copies(d, (from, to) => {
    y[to] = x[from]!;
  });
  return y;
}

export function upsampleNearestBackward(dy: Values, d: UpsampleDims): Float64Array {
  const dx = new Float64Array(d.batch * d.height * d.width * d.channels);
  copies(d, (from, to) => {
    dx[from]! += dy[to]!;
  });
  return dx;
}

function copies(d: UpsampleDims, copy: (from: number, to: number) => void): void {
  for (let b = 0; b < d.batch; b++)
    for (let oy = 0; oy < d.outHeight; oy++)
      for (let ox = 0; ox < d.outWidth; ox++) {
        const iy = Math.floor((oy * d.height) / d.outHeight);
        const ix = Math.floor((ox * d.width) / d.outWidth);
        for (let c = 0; c < d.channels; c++)
          copy(
            ((b * d.height + iy) * d.width + ix) * d.channels + c,
            ((b * d.outHeight + oy) * d.outWidth + ox) * d.channels + c,
          );
      }
}
