// The twins of the GEMM ops: backward = finite differences of forward. (Their PyTorch goldens are compared in twins.test.ts.)
import { expect, test } from 'vitest';
import { checkVjp, normal } from '../check.ts';
import { attention, attentionBackward } from '../reference/attention.ts';
import { conv2d, conv2dBackward } from '../reference/conv2d.ts';
import { linear, linearBackward } from '../reference/linear.ts';

test('linear', () => {
  const d = { rows: 3, inFeatures: 5, outFeatures: 4 };
  const inputs = { x: normal(15, 1), weight: normal(20, 2), bias: normal(4, 3) };
  const dy = normal(12, 4);
  const { dx, dweight, dbias } = linearBackward(inputs.x, inputs.weight, dy, d);
  const forward = (i: typeof inputs) => linear(i.x, i.weight, i.bias, d);
  checkVjp(forward, { x: dx, weight: dweight, bias: dbias }, inputs, dy);
  expect(() => checkVjp(forward, { x: dx.map((v, i) => (i === 7 ? v * 1.001 : v)) }, inputs, dy)).toThrow(/dx/);
});

test.each([
  { kernel: 3, stride: 1, pad: 1 },
  { kernel: 3, stride: 2, pad: 1 },
  { kernel: 1, stride: 1, pad: 0 },
])('conv2d %o', (k) => {
  const d = { batch: 2, height: 5, width: 4, inChannels: 2, outChannels: 3, ...k };
  const inputs = { x: normal(80, 1), weight: normal(6 * k.kernel ** 2, 2), bias: normal(3, 3) };
  const forward = (i: typeof inputs) => conv2d(i.x, i.weight, i.bias, d);
  const dy = normal(forward(inputs).length, 4);
  const { dx, dweight } = conv2dBackward(inputs.x, inputs.weight, dy, d);
  checkVjp(forward, { x: dx, weight: dweight }, inputs, dy);
});

test('attention', () => {
  const d = { batch: 2, queries: 3, keys: 4, heads: 2, headDim: 3 };
  const inputs = { q: normal(36, 1), k: normal(48, 2), v: normal(48, 3) };
  const dy = normal(36, 4);
  const { dq, dk, dv } = attentionBackward(inputs.q, inputs.k, inputs.v, dy, d);
  checkVjp((i) => attention(i.q, i.k, i.v, d), { q: dq, k: dk, v: dv }, inputs, dy);
});
