// What an adapter of a convolution adds to the backward pass — the gradient of 3×3 weights, and of what is added to every pixel — against f64 twins.
import { beforeAll, describe, expect, test } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import type { Target } from '../../src/graph/op.ts';
import { convLength } from '../../src/ops/conv2d.ts';
import { conv2dDw } from '../../src/ops/conv2d-dw.ts';
import { sumRows } from '../../src/ops/sum-rows.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose, expectFar, normal } from '../check.ts';
import { conv2dBackward } from '../reference/conv2d.ts';
import { testDevice } from './device.ts';
import { runGraph, testTarget } from './run-op.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await testDevice();
});
const half = (v: Float64Array): Float64Array => v.map((x) => Math.round(x * 256) / 256); // exactly storable in f16
/** Sums of a few hundred products in f32, whatever they are stored in. */
const bar = { rel: 2e-6, max: 5e-5 };
type Sizes = [number, number, number, number, number, number];
type Picture = [number, number, number, number];
/** Lanes that share a sum, and one thread a sum over several dispatches. */
const targets: [string, Target][] = [
  ['shared sums', testTarget],
  ['small pieces', { ...testTarget, maxDispatchFlops: 2e4, reductionThreads: 4 }],
];

describe.each(targets)('%s', (_, target) => {
  test.each(
    (['f32', 'f16'] as const).flatMap((dtype) =>
      [
        [2, 9, 7, 8, 4, 1],
        [1, 8, 6, 68, 8, 2],
        [2, 5, 5, 6, 2, 2],
        [1, 4, 7, 5, 3, 1],
        [1, 12, 11, 16, 20, 1],
      ].map((sizes) => [dtype, ...(sizes as Sizes)] as const),
    ),
  )('dw, %s: %i images %i×%i, %i → %i, stride %i', async (dtype, b, h, w, i, o, stride) => {
    const g = new Graph(dtype);
    const [oh, ow] = [convLength(h, stride), convLength(w, stride)];
    const x = g.tensor('x', [b, h, w, i], 'temp', dtype);
    const dy = g.tensor('dy', [b, oh, ow, o], 'temp', dtype);
    const dw = g.gradOf(g.param('A', [o, 3, 3, i], 'lora', 'f32'));
    // Twice: it is added to what is there.
    for (const _ of [1, 2]) g.emit(conv2dDw, { dy, x }, { stride: stride }, { dw });
    const v = { x: half(normal(b * h * w * i, 1)), dy: half(normal(b * oh * ow * o, 2)) };
    const data = new Map<Tensor, ArrayLike<number>>([
      [x, v.x],
      [dy, v.dy],
    ]);
    const got = await (await runGraph(device, g, data, target)).read(dw);
    const d = { batch: b, height: h, width: w, inChannels: i, outChannels: o, kernel: 3, stride: stride, pad: 1 };
    const weight = new Float64Array(o * 9 * i);
    const want = (values: Float64Array) => conv2dBackward(values, weight, v.dy, d).dweight.map((one) => 2 * one);
    expectClose(got, want(v.x), bar, 'dw');
    expectFar(got, want(v.x.map((one, at) => (at === 1 ? one + 0.5 : one))), bar);
  });

  test.each(
    (['f32', 'f16'] as const).flatMap((dtype) =>
      [
        [2, 9, 7, 8],
        [1, 5, 3, 130],
        [2, 4, 4, 5],
      ].map((sizes) => [dtype, ...(sizes as Picture)] as const),
    ),
  )('the sum over pixels, %s: %i images %i×%i of %i', async (dtype, b, h, w, c) => {
    const g = new Graph(dtype);
    const x = g.tensor('x', [b, h, w, c], 'temp', dtype);
    const { y } = g.emit(sumRows, { x });
    expect(y).toMatchObject({ shape: [b, c], dtype: 'f32' });
    const values = half(normal(b * h * w * c, 3));
    const got = await (await runGraph(device, g, new Map([[x, values]]), target)).read(y!);
    const want = new Float64Array(b * c);
    for (const [at, value] of values.entries()) want[Math.floor(at / (h * w * c)) * c + (at % c)]! += value;
    expectClose(got, want, bar, 'sum');
    expectFar(
      got,
      want.map((one, at) => (at === 0 ? one + 0.1 : one)),
      bar,
    );
  });
});
