// groupNorm, CPU twin: x (B, P, C), gamma, beta (C) → y (B, P, C), mean, rstd (B, groups); and dx from dy. Plain f64 loops.
import { siluDerivative, siluOf } from './silu.ts';
import type { Values } from './values.ts';

export interface GroupNormDims {
  batch: number;
  positions: number;
  channels: number;
  groups: number;
  eps: number;
  silu: boolean;
}

/** torch.nn.GroupNorm with channels last (biased variance), then SiLU where asked. */
export function groupNorm(x: Values, gamma: Values, beta: Values, d: GroupNormDims) {
  const y = new Float64Array(x.length);
  const mean = new Float64Array(d.batch * d.groups);
  const rstd = new Float64Array(d.batch * d.groups);
  eachGroup(d, (group, members) => {
    const m = members.reduce((sum, i) => sum + x[i]!, 0) / members.length;
    const variance = members.reduce((sum, i) => sum + (x[i]! - m) ** 2, 0) / members.length;
    mean[group] = m;
    rstd[group] = 1 / Math.sqrt(variance + d.eps);
    for (const i of members) {
      const c = i % d.channels;
      const z = (x[i]! - m) * rstd[group] * gamma[c]! + beta[c]!;
      y[i] = d.silu ? siluOf(z) : z;
    }
  });
  return { y, mean, rstd };
}

/** dx = rstd·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)), dx̂ = gamma·dy·silu′(z). */
export function groupNormBackward(x: Values, gamma: Values, beta: Values, dy: Values, d: GroupNormDims): Float64Array {
  const { mean, rstd } = groupNorm(x, gamma, beta, d);
  const dx = new Float64Array(x.length);
  eachGroup(d, (group, members) => {
    const xHat = members.map((i) => (x[i]! - mean[group]!) * rstd[group]!);
    const dXHat = members.map((i, k) => {
      const c = i % d.channels;
      const through = d.silu ? siluDerivative(xHat[k]! * gamma[c]! + beta[c]!) : 1;
      return dy[i]! * through * gamma[c]!;
    });
    const a = dXHat.reduce((sum, v) => sum + v, 0) / members.length;
    const b = dXHat.reduce((sum, v, k) => sum + v * xHat[k]!, 0) / members.length;
    members.forEach((i, k) => {
      dx[i] = rstd[group]! * (dXHat[k]! - a - xHat[k]! * b);
    });
  });
  return dx;
}

/** Calls `visit` with every (image, group)'s number and the flat indices of its elements. */
function eachGroup(d: GroupNormDims, visit: (group: number, members: number[]) => void): void {
  const width = d.channels / d.groups;
  for (let b = 0; b < d.batch; b++)
    for (let g = 0; g < d.groups; g++) {
      const members: number[] = [];
      for (let p = 0; p < d.positions; p++)
        for (let c = g * width; c < (g + 1) * width; c++) members.push((b * d.positions + p) * d.channels + c);
      visit(b * d.groups + g, members);
    }
}
