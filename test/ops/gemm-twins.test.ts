// The twins of the GEMM ops: backward = finite differences of forward; result and gradients = PyTorch's (test/golden/ops).
import { expect, test } from 'vitest';
import { checkVjp, expectClose, expectFar, normal } from '../check.ts';
import { attention, attentionBackward } from '../reference/attention.ts';
import { conv2d, conv2dBackward } from '../reference/conv2d.ts';
import { linear, linearBackward } from '../reference/linear.ts';
import { bar, bumped, golden } from './golden.ts';

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

test.each(['plain', 'no_bias', 'odd'])('linear = golden, %s', async (name) => {
  const c = await golden('linear', name);
  const [outFeatures, inFeatures] = c.shape('weight') as [number, number];
  const d = { rows: c.of('x').length / inFeatures, inFeatures, outFeatures };
  const bias = c.has('bias') ? c.of('bias') : undefined;
  expectClose(linear(c.of('x'), c.of('weight'), bias, d), c.of('y'), bar, 'y');
  expectFar(linear(c.of('x'), bumped(c.of('weight')), bias, d), c.of('y'), bar);
  const { dx, dweight, dbias } = linearBackward(c.of('x'), c.of('weight'), c.of('dy'), d);
  expectClose(dx, c.of('dx'), bar, 'dx');
  expectClose(dweight, c.of('dweight'), bar, 'dweight');
  if (bias) expectClose(dbias, c.of('dbias'), bar, 'dbias');
});

test.each(['rank4', 'rank1', 'rank3'])('linear with LoRA as two more linears = golden, %s', async (name) => {
  const c = await golden('lora_linear', name);
  const rank = c.shape('down')[0]!;
  const scale = c.number('scale');
  const wide = { rows: 18, inFeatures: 12, outFeatures: 20 };
  const [first, second] = [
    { ...wide, outFeatures: rank },
    { ...wide, inFeatures: rank },
  ];
  const h = linear(c.of('x'), c.of('down'), undefined, first);
  const term = linear(h, c.of('up'), undefined, second);
  expectClose(
    linear(c.of('x'), c.of('weight'), c.of('bias'), wide).map((v, i) => v + scale * term[i]!),
    c.of('y'),
    bar,
    'y',
  );
  const through = linearBackward(
    h,
    c.of('up'),
    c.of('dy').map((v) => scale * v),
    second,
  );
  const down = linearBackward(c.of('x'), c.of('down'), through.dx, first);
  const frozen = linearBackward(c.of('x'), c.of('weight'), c.of('dy'), wide);
  expectClose(through.dweight, c.of('dup'), bar, 'dup');
  expectClose(down.dweight, c.of('ddown'), bar, 'ddown');
  expectClose(
    frozen.dx.map((v, i) => v + down.dx[i]!),
    c.of('dx'),
    bar,
    'dx',
  );
});

test.each(['stride1', 'stride2', 'no_bias'])('conv2d = golden, %s', async (name) => {
  const c = await golden('conv2d', name);
  const [batch, height, width, inChannels] = c.shape('x') as [number, number, number, number];
  const [outChannels, kernel] = c.shape('weight') as [number, number];
  const d = { batch, height, width, inChannels, outChannels, kernel, stride: c.number('stride'), pad: 1 };
  const bias = c.has('bias') ? c.of('bias') : undefined;
  expectClose(conv2d(c.of('x'), c.of('weight'), bias, d), c.of('y'), bar, 'y');
  expectFar(conv2d(c.of('x'), bumped(c.of('weight')), bias, d), c.of('y'), bar);
  expectClose(conv2dBackward(c.of('x'), c.of('weight'), c.of('dy'), d).dx, c.of('dx'), bar, 'dx');
});

test.each(['self', 'cross'])('attention = golden, %s', async (name) => {
  const c = await golden('attention', name);
  const [batch, queries, inner] = c.shape('q') as [number, number, number];
  const heads = c.number('heads');
  const d = { batch, queries, keys: c.shape('k')[1]!, heads, headDim: inner / heads };
  expectClose(attention(c.of('q'), c.of('k'), c.of('v'), d), c.of('y'), bar, 'y');
  expectFar(attention(c.of('q'), bumped(c.of('k')), c.of('v'), d), c.of('y'), bar);
  const got = attentionBackward(c.of('q'), c.of('k'), c.of('v'), c.of('dy'), d);
  for (const g of ['dq', 'dk', 'dv'] as const) expectClose(got[g], c.of(g), bar, g);
});
