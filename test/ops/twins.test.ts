// The twins of the ops that are no products: backward = finite differences of forward, in f64. (Their PyTorch goldens: goldens.test.ts.)
import { expect, test } from 'vitest';
import { checkVjp, expectClose, normal } from '../check.ts';
import { concat, concatBackward } from '../reference/concat.ts';
import { geglu, gegluBackward, normalCdf } from '../reference/geglu.ts';
import { groupNorm, groupNormBackward } from '../reference/group-norm.ts';
import { layerNorm, layerNormBackward } from '../reference/layer-norm.ts';
import { mseLoss, mseLossBackward } from '../reference/mse-loss.ts';
import { silu, siluBackward } from '../reference/silu.ts';
import { upsampleNearest, upsampleNearestBackward } from '../reference/upsample-nearest.ts';

test('concat', () => {
  const d = { rows: 3, a: 2, b: 5 };
  const inputs = { a: normal(6, 1), b: normal(15, 2) };
  const dy = normal(21, 3);
  const { da, db } = concatBackward(dy, d);
  checkVjp((i) => concat(i.a, i.b, d), { a: da, b: db }, inputs, dy);
});

test('silu', () => {
  const inputs = { x: normal(40, 1, 3) };
  const dy = normal(40, 2);
  checkVjp((i) => silu(i.x), { x: siluBackward(inputs.x, dy) }, inputs, dy);
});

test('geglu', () => {
  const inputs = { x: normal(3 * 10, 1, 2) };
  const dy = normal(15, 2);
  const forward = (i: typeof inputs): Float64Array => geglu(i.x, 3);
  const dx = gegluBackward(inputs.x, dy, 3);
  checkVjp(forward, { x: dx }, inputs, dy);
  expect(() => checkVjp(forward, { x: dx.map((v, i) => (i === 9 ? v * 1.001 : v)) }, inputs, dy)).toThrow(/dx/);
});

test('normalCdf: known values, symmetric, its two formulas meet at ±6', () => {
  // Φ(1), Φ(2), Φ(-3) to 16 digits (NIST DLMF 7.17 via erf tables); Φ(-7) to 12.
  expectClose(
    [1, 2, -3, -7].map(normalCdf).slice(0, 3),
    [0.8413447460685429, 0.9772498680518208, 0.0013498980316300946],
    { rel: 1e-13 },
  );
  expectClose([normalCdf(-7)], [1.279812543885835e-12], { rel: 1e-11 });
  for (const x of [0.3, 1.7, 5.9, 6.1]) expect(normalCdf(x) + normalCdf(-x)).toBeCloseTo(1, 14);
  expectClose([normalCdf(-6.0000001)], [normalCdf(-5.9999999)], { rel: 2e-6 });
});

test.each([true, false])('groupNorm, silu %s', (fused) => {
  const d = { batch: 2, positions: 5, channels: 6, groups: 2, eps: 1e-5, silu: fused };
  const inputs = { x: normal(60, 1), gamma: normal(6, 2), beta: normal(6, 3) };
  const dy = normal(60, 4);
  const dx = groupNormBackward(inputs.x, inputs.gamma, inputs.beta, dy, d);
  const forward = (i: typeof inputs): Float64Array => groupNorm(i.x, i.gamma, i.beta, d).y;
  checkVjp(forward, { x: dx }, inputs, dy);
  const gamma = inputs.gamma.map((v, i) => (i === 0 ? v * 1.01 : v));
  expect(() => checkVjp(forward, { x: groupNormBackward(inputs.x, gamma, inputs.beta, dy, d) }, inputs, dy)).toThrow(
    /dx/,
  );
});

test('layerNorm', () => {
  const d = { rows: 4, channels: 7, eps: 1e-5 };
  const inputs = { x: normal(28, 1), gamma: normal(7, 2), beta: normal(7, 3) };
  const dy = normal(28, 4);
  const dx = layerNormBackward(inputs.x, inputs.gamma, inputs.beta, dy, d);
  checkVjp((i) => layerNorm(i.x, i.gamma, i.beta, d).y, { x: dx }, inputs, dy);
});

test.each([
  [6, 8],
  [5, 7],
  [3, 4],
  [2, 3],
])('upsampleNearest 3×4 → %i×%i', (outHeight, outWidth) => {
  const d = { batch: 2, height: 3, width: 4, outHeight, outWidth, channels: 2 };
  const inputs = { x: normal(48, 1) };
  const dy = normal(2 * outHeight * outWidth * 2, 2);
  checkVjp((i) => upsampleNearest(i.x, d), { x: upsampleNearestBackward(dy, d) }, inputs, dy);
});

test('mseLoss', () => {
  const inputs = { pred: normal(20, 1), target: normal(20, 2) };
  const dpred = mseLossBackward(inputs.pred, inputs.target, 3);
  checkVjp((i) => Float64Array.of(3 * mseLoss(i.pred, i.target)), { pred: dpred }, inputs, [1]);
});
