// layerNorm, CPU twin: x (rows, C), gamma, beta (C) → y (rows, C), mean, rstd (rows); and dx from dy. f64.
// A row is an image with one position and one group; the formulas are those of torch.nn.LayerNorm all the same (its golden says so).
import { groupNorm, groupNormBackward } from './group-norm.ts';
import type { Values } from './values.ts';

export interface LayerNormDims {
  rows: number;
  channels: number;
  eps: number;
}

const asGroups = (d: LayerNormDims) => ({
  batch: d.rows,
  positions: 1,
  channels: d.channels,
  groups: 1,
  eps: d.eps,
  silu: false,
});

export const layerNorm = (x: Values, gamma: Values, beta: Values, d: LayerNormDims) =>
  groupNorm(x, gamma, beta, asGroups(d));
export const layerNormBackward = (x: Values, gamma: Values, beta: Values, dy: Values, d: LayerNormDims): Float64Array =>
  groupNormBackward(x, gamma, beta, dy, asGroups(d));
