// The GEMM family on the GPU (linear, conv2d, attention; forward and backward) against the f64 twins, in every kernel variant.
import { beforeAll, describe, expect, test } from 'vitest';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { GemmVariant, Node, Op, Target } from '../../src/graph/op.ts';
import { attention } from '../../src/ops/attention.ts';
import { conv2d, convLength } from '../../src/ops/conv2d.ts';
import { linear } from '../../src/ops/linear.ts';
import { type DType, numel, type Tensor } from '../../src/tensor/tensor.ts';
import { expectClose, expectFar, normal, type Tolerance } from '../check.ts';
import { attentionBackward, attention as attentionTwin } from '../reference/attention.ts';
import { conv2dBackward, conv2d as conv2dTwin } from '../reference/conv2d.ts';
import { linearBackward, linear as linearTwin } from '../reference/linear.ts';
import { dequantise, quantise } from '../reference/q8.ts';
import { testDevice } from './device.ts';
import { runGraph, testTarget } from './run-op.ts';

// f32: sums of ≤ a few hundred products keep ~6 digits. f16: each stored value is rounded once, 2⁻¹¹ = 4.9e-4 at most, 2.8e-4 rms.
const bars: Record<DType, Tolerance> = { f32: { rel: 2e-6, max: 5e-5 }, f16: { rel: 6e-4, max: 1e-2 } };
/** A software adapter compiles a tile for ten seconds and more: storage types share them, and larger tiles, the same text, have a test each below. */
const variants: [GemmVariant | 'small pieces', DType][] = [
  ['tile32', 'f16'],
  ['registers', 'f32'],
  ['registers', 'f16'],
  ['small pieces', 'f32'],
  ['small pieces', 'f16'],
];
/** 'small pieces': what only large models need — products in several dispatches, attention in several blocks of rows. */
const target = (variant: GemmVariant | 'small pieces'): Target =>
  variant === 'small pieces'
    ? { ...testTarget, maxDispatchFlops: 2e4, scoreBytes: 2 ** 13, reductionThreads: 4 }
    : { ...testTarget, gemmVariant: () => variant };
const f16 = (v: Float64Array): Float64Array => v.map((x) => Math.fround(Math.round(x * 256) / 256)); // exactly storable in f16

/** What q8 makes of weights: near them, but not near enough to be taken for them (half a step of 1/127 of a block's largest). */
const asQ8 = (w: Float64Array): Float64Array => dequantise(quantise(w));

let device: GPUDevice;
beforeAll(async () => {
  device = await testDevice();
});

/** Ends a graph: dy is given, the walk back starts at `node`. Inputs named trainable by a lora parameter that touches them. */
const seed = (dy: Tensor): Op => ({
  name: 'seed',
  shape: () => ({}),
  launches: () => [],
  vjp: (_g, _n, _d, back) => back.give('y', () => dy),
});
function finish(g: Graph, y: Tensor, dy: Tensor): void {
  g.emit(seed(dy), { y });
  backward(g, g.nodes[g.nodes.length - 1] as Node);
}
const identity: Op = {
  name: 'leaf',
  shape: ({ x }) => ({ y: { shape: (x as Tensor).shape } }),
  launches: () => [],
  vjp: (_g, _n, { y }, back) => back.give('x', () => y as Tensor),
};
/** A temp tensor that counts as trainable: the leaf op hands its gradient to a lora stand-in. */
function trainable(g: Graph, shape: number[], dtype: DType): { tensor: Tensor; gradient: () => Tensor } {
  let gradient: Tensor | undefined;
  const lora = g.tensor('stand-in', shape, 'lora');
  const leaf: Op = {
    ...identity,
    vjp: (_g, _n, { y }) => {
      gradient = y;
    },
  };
  const tensor = g.tensor('x', shape, 'temp', dtype);
  g.emit(leaf, { x: lora }, {}, { y: tensor });
  return { tensor, gradient: () => gradient as Tensor };
}

describe.each(variants)('%s %s', (variant, dtype) => {
  const bar = bars[dtype];

  test.each([
    [37, 24, 40, 4],
    [70, 130, 68, 3],
    [5, 6, 10, 1],
    [9, 7, 5, 2],
    [40, 24, 48, 20],
  ])('linear with LoRA: %i rows, %i → %i, rank %i', async (rows, k, n, r) => {
    const g = new Graph(dtype);
    const x = trainable(g, [rows, k], dtype);
    const w = g.param('w', [n, k], 'weight', 'f16');
    const bias = g.param('b', [n], 'weight', 'f16');
    const [A, B] = [g.param('A', [r, k], 'lora', 'f32'), g.param('B', [n, r], 'lora', 'f32')];
    const scale = g.tensor('scale', [1], 'input');
    const { y: h } = g.emit(linear, { x: x.tensor, w: A });
    const { y } = g.emit(linear, { x: x.tensor, w, bias, down: A, h, low: B, scale });
    const dy = g.tensor('dy', y!.shape, 'temp', dtype);
    finish(g, y!, dy);
    const v = {
      x: f16(normal(rows * k, 1)),
      w: f16(normal(n * k, 2, 0.3)),
      b: f16(normal(n, 3)),
      A: normal(r * k, 4, 0.3),
      B: normal(n * r, 5, 0.3),
      dy: f16(normal(rows * n, 6)),
    };
    const data = new Map<Tensor, ArrayLike<number>>([
      [x.tensor, v.x],
      [w, v.w],
      [bias, v.b],
      [A, v.A],
      [B, v.B],
      [scale, [0.5]],
      [dy, v.dy],
    ]);
    const run = await runGraph(device, g, data, target(variant));
    // the merged weight says the same in one product
    const merged = v.w.map(
      (x, i) =>
        x +
        0.5 *
          Array.from({ length: r }, (_, j) => v.B[Math.floor(i / k) * r + j]! * v.A[j * k + (i % k)]!).reduce(
            (a, b) => a + b,
          ),
    );
    const d = { rows, inFeatures: k, outFeatures: n };
    const want = linearTwin(v.x, merged, v.b, d);
    expectClose(await run.read(y!), want, bar, 'y');
    expectFar(
      await run.read(y!),
      linearTwin(
        v.x,
        merged.map((x, i) => (i === 3 ? x + 0.5 : x)),
        v.b,
        d,
      ),
      bar,
    );
    const back = linearBackward(v.x, merged, v.dy, d);
    expectClose(await run.read(x.gradient()), back.dx, bar, 'dx');
    const hTwin = linearTwin(v.x, v.A, undefined, { ...d, outFeatures: r });
    const dB = linearBackward(hTwin, v.B, v.dy, { rows, inFeatures: r, outFeatures: n });
    expectClose(
      await run.read(g.gradOf(B)),
      dB.dweight.map((x) => 0.5 * x),
      bar,
      'dB',
    );
    const dA = linearBackward(
      v.x,
      v.A,
      dB.dx.map((x) => 0.5 * x),
      { ...d, outFeatures: r },
    );
    expectClose(await run.read(g.gradOf(A)), dA.dweight, bar, 'dA');
  });

  test.each([
    [2, 9, 7, 8, 12, 1],
    [1, 8, 6, 4, 20, 2],
    [2, 5, 5, 6, 10, 2],
    [1, 4, 7, 5, 3, 1],
    [1, 20, 18, 16, 36, 1],
  ])('conv2d: %i images %i×%i, %i → %i, stride %i', async (b, h, w, i, o, stride) => {
    const g = new Graph(dtype);
    const x = trainable(g, [b, h, w, i], dtype);
    const weight = g.param('w', [o, 3, 3, i], 'weight', 'f16');
    const bias = g.param('b', [o], 'weight', 'f16');
    const rowBias = g.tensor('temb', [b, o], 'temp', 'f32');
    const { y } = g.emit(conv2d, { x: x.tensor, w: weight, bias, rowBias }, { stride });
    const dy = g.tensor('dy', y!.shape, 'temp', dtype);
    finish(g, y!, dy);
    const v = {
      x: f16(normal(b * h * w * i, 1)),
      w: f16(normal(o * 9 * i, 2, 0.3)),
      b: f16(normal(o, 3)),
      t: normal(b * o, 4),
      dy: f16(normal(numel(y!.shape), 5)),
    };
    const run = await runGraph(
      device,
      g,
      new Map<Tensor, ArrayLike<number>>([
        [x.tensor, v.x],
        [weight, v.w],
        [bias, v.b],
        [rowBias, v.t],
        [dy, v.dy],
      ]),
      target(variant),
    );
    const d = { batch: b, height: h, width: w, inChannels: i, outChannels: o, kernel: 3, stride, pad: 1 };
    const pixels = convLength(h, stride) * convLength(w, stride);
    const want = conv2dTwin(v.x, v.w, v.b, d).map((y, at) => y + v.t[Math.floor(at / (pixels * o)) * o + (at % o)]!);
    expectClose(await run.read(y!), want, bar, 'y');
    expectClose(await run.read(x.gradient()), conv2dBackward(v.x, v.w, v.dy, d).dx, bar, 'dx');
    expectFar(
      await run.read(x.gradient()),
      conv2dBackward(
        v.x,
        v.w.map((x, at) => (at === 1 ? x + 0.5 : x)),
        v.dy,
        d,
      ).dx,
      bar,
    );
  });

  test.each([
    [37, 64, 40],
    [5, 96, 130],
    [66, 32, 6],
  ])('linear with 8-bit weights: %i rows, %i → %i', async (rows, k, n) => {
    const g = new Graph(dtype, 'q8');
    const x = trainable(g, [rows, k], dtype);
    const w = g.matrix('w', [n, k]);
    expect(w.dtype).toBe('q8');
    const { y } = g.emit(linear, { x: x.tensor, w });
    const dy = g.tensor('dy', y!.shape, 'temp', dtype);
    finish(g, y!, dy);
    const v = { x: f16(normal(rows * k, 1)), w: normal(n * k, 2, 0.3), dy: f16(normal(rows * n, 6)) };
    const data = new Map<Tensor, ArrayLike<number>>([
      [x.tensor, v.x],
      [w, v.w],
      [dy, v.dy],
    ]);
    const run = await runGraph(device, g, data, target(variant));
    const d = { rows, inFeatures: k, outFeatures: n };
    const read = asQ8(v.w);
    expectClose(await run.read(y!), linearTwin(v.x, read, undefined, d), bar, 'y');
    expectClose(await run.read(x.gradient()), linearBackward(v.x, read, v.dy, d).dx, bar, 'dx');
    expectFar(await run.read(y!), linearTwin(v.x, v.w, undefined, d), bar); // 8 bits are told from the weights they stand for
    expectFar(await run.read(x.gradient()), linearBackward(v.x, v.w, v.dy, d).dx, bar);
  });

  test.each([
    [2, 9, 7, 32, 12, 1],
    [1, 8, 6, 64, 20, 2],
    [1, 5, 5, 96, 6, 1],
  ])('conv2d with 8-bit weights: %i images %i×%i, %i → %i, stride %i', async (b, h, w, i, o, stride) => {
    const g = new Graph(dtype, 'q8');
    const x = trainable(g, [b, h, w, i], dtype);
    const weight = g.matrix('w', [o, 3, 3, i]);
    expect(weight.dtype).toBe('q8');
    const { y } = g.emit(conv2d, { x: x.tensor, w: weight }, { stride });
    const dy = g.tensor('dy', y!.shape, 'temp', dtype);
    finish(g, y!, dy);
    const v = {
      x: f16(normal(b * h * w * i, 1)),
      w: normal(o * 9 * i, 2, 0.3),
      dy: f16(normal(numel(y!.shape), 5)),
    };
    const data = new Map<Tensor, ArrayLike<number>>([
      [x.tensor, v.x],
      [weight, v.w],
      [dy, v.dy],
    ]);
    const run = await runGraph(device, g, data, target(variant));
    const d = { batch: b, height: h, width: w, inChannels: i, outChannels: o, kernel: 3, stride, pad: 1 };
    const none = new Float64Array(o);
    const read = asQ8(v.w);
    expectClose(await run.read(y!), conv2dTwin(v.x, read, none, d), bar, 'y');
    expectClose(await run.read(x.gradient()), conv2dBackward(v.x, read, v.dy, d).dx, bar, 'dx');
    expectFar(await run.read(y!), conv2dTwin(v.x, v.w, none, d), bar);
    expectFar(await run.read(x.gradient()), conv2dBackward(v.x, v.w, v.dy, d).dx, bar);
  });

  test.each([
    [1, 40, 40, 2, 8],
    [2, 33, 77, 4, 6],
    [1, 70, 77, 1, 9],
    [2, 17, 5, 3, 5],
  ])('attention: %i × %i queries, %i keys, %i heads of %i', async (b, t, s, heads, d) => {
    const g = new Graph(dtype);
    const c = heads * d;
    const [q, k, v] = [trainable(g, [b, t, c], dtype), trainable(g, [b, s, c], dtype), trainable(g, [b, s, c], dtype)];
    const { y } = g.emit(attention, { q: q.tensor, k: k.tensor, v: v.tensor }, { heads });
    const dy = g.tensor('dy', y!.shape, 'temp', y!.dtype);
    finish(g, y!, dy);
    const [qv, kv, vv, dyv] = [
      f16(normal(b * t * c, 1)),
      f16(normal(b * s * c, 2)),
      f16(normal(b * s * c, 3)),
      f16(normal(b * t * c, 4)),
    ];
    const run = await runGraph(
      device,
      g,
      new Map<Tensor, ArrayLike<number>>([
        [q.tensor, qv],
        [k.tensor, kv],
        [v.tensor, vv],
        [dy, dyv],
      ]),
      target(variant),
    );
    const dims = { batch: b, queries: t, keys: s, heads, headDim: d };
    expectClose(await run.read(y!), attentionTwin(qv, kv, vv, dims), bar, 'y');
    const want = attentionBackward(qv, kv, vv, dyv, dims);
    expectClose(await run.read(q.gradient()), want.dq, bar, 'dq');
    expectClose(await run.read(k.gradient()), want.dk, bar, 'dk');
    expectClose(await run.read(v.gradient()), want.dv, bar, 'dv');
  });
});

// The larger tiles, once each: one kernel that has their edges in every direction, and the way there in registers.
const onlyFor = (n: number, variant: GemmVariant): Target => ({
  ...testTarget,
  gemmVariant: (_m, columns) => (columns === n ? variant : 'registers'),
});

test('tile128: conv2d, a last tile of rows and of columns that is not full', async () => {
  const d = { batch: 1, height: 13, width: 11, inChannels: 20, outChannels: 68, kernel: 3, stride: 1, pad: 1 };
  const g = new Graph('f16');
  const x = g.tensor('x', [1, d.height, d.width, d.inChannels], 'temp', 'f16');
  const w = g.param('w', [d.outChannels, 3, 3, d.inChannels], 'weight', 'f16');
  const bias = g.param('b', [d.outChannels], 'weight', 'f16');
  const { y } = g.emit(conv2d, { x, w, bias }, { stride: 1 });
  const v = { x: f16(normal(numel(x.shape), 1)), w: f16(normal(numel(w.shape), 2, 0.3)), b: f16(normal(68, 3)) };
  const data = new Map([
    [x, v.x],
    [w, v.w],
    [bias, v.b],
  ]);
  const run = await runGraph(device, g, data, onlyFor(68, 'tile128'));
  expectClose(await run.read(y!), conv2dTwin(v.x, v.w, v.b, d), bars.f16, 'y');
});

test('tile64: linear with LoRA, a rank that is no multiple of four', async () => {
  const [rows, k, n, r] = [70, 36, 68, 6];
  const g = new Graph('f32');
  const x = g.tensor('x', [rows, k], 'temp', 'f32');
  const w = g.param('w', [n, k], 'weight', 'f16');
  const h = g.tensor('h', [rows, r], 'temp', 'f32');
  const [down, low] = [g.param('A', [r, k], 'lora', 'f32'), g.param('B', [n, r], 'lora', 'f32')];
  const scale = g.tensor('scale', [1], 'input');
  const { y } = g.emit(linear, { x, w, down, h, low, scale });
  const v = { x: normal(rows * k, 1), w: f16(normal(n * k, 2, 0.3)), h: normal(rows * r, 3), low: normal(n * r, 4) };
  const data = new Map<Tensor, ArrayLike<number>>([
    [x, v.x],
    [w, v.w],
    [h, v.h],
    [down, normal(r * k, 5)],
    [low, v.low],
    [scale, [0.5]],
  ]);
  const run = await runGraph(device, g, data, onlyFor(n, 'tile64'));
  const base = linearTwin(v.x, v.w, undefined, { rows, inFeatures: k, outFeatures: n });
  const adapter = linearTwin(v.h, v.low, undefined, { rows, inFeatures: r, outFeatures: n });
  expectClose(
    await run.read(y!),
    base.map((b, i) => b + 0.5 * adapter[i]!),
    bars.f32,
    'y',
  );
});
