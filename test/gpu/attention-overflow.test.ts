// Attention where 16-bit activations have overflowed: a NaN or an infinity in q, k or v must reach y, lse and every gradient that depends on it.
import { beforeAll, describe, expect, test } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import type { Target } from '../../src/graph/op.ts';
import { attention, attentionBackward } from '../../src/ops/attention.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { normal } from '../check.ts';
import { testDevice } from './device.ts';
import { runGraph, testTarget } from './run-op.ts';

let device: GPUDevice;
beforeAll(async () => {
  device = await testDevice();
});
const [T, S, HEADS, D] = [33, 78, 2, 8]; // rows padded to 80 keys
const C = HEADS * D;
const targets: Record<string, Target> = {
  tile32: testTarget,
  'registers, sums by four threads': { ...testTarget, gemmVariant: () => 'registers', reductionThreads: 4 },
  'blocks of rows': { ...testTarget, maxDispatchFlops: 2e4, scoreBytes: 2 ** 13 },
};

/** By bits, as a driver sees them. */
const finite = (v: Float32Array): boolean =>
  new Uint32Array(v.buffer, v.byteOffset, v.length).every((bits) => (bits & 0x7f800000) !== 0x7f800000);

async function run(target: Target, dtype: DType, spoil: { name: 'q' | 'k' | 'v'; at: number; value: number } | null) {
  const g = new Graph(dtype);
  const make = (name: string, rows: number, seed: number): [Tensor, Float32Array] => {
    const values = Float32Array.from(normal(rows * C, seed));
    if (spoil?.name === name) values[spoil.at] = spoil.value;
    return [g.tensor(name, [1, rows, C], 'temp', dtype), values];
  };
  const [q, k, v] = [make('q', T, 1), make('k', S, 2), make('v', S, 3)];
  const { y, lse } = g.emit(attention, { q: q[0], k: k[0], v: v[0] }, { heads: HEADS });
  const dy = g.tensor('dy', [1, T, C], 'temp', dtype);
  const d = g.emit(attentionBackward, { q: q[0], k: k[0], v: v[0], lse: lse!, dy }, { heads: HEADS });
  const data = new Map<Tensor, ArrayLike<number>>([q, k, v, [dy, Float32Array.from(normal(T * C, 4))]]);
  const { read } = await runGraph(device, g, data, target);
  const [yv, lsev, dq, dk, dv] = await Promise.all([y, lse, d.dq, d.dk, d.dv].map((t) => read(t as Tensor)));
  return { y: yv!, lse: lsev!, dq: dq!, dk: dk!, dv: dv! };
}
/** Head `h` of token `t`. */
const part = (v: Float32Array, t: number, h: number): Float32Array => v.slice(t * C + h * D, t * C + (h + 1) * D);

describe.each(Object.entries(targets))('%s', (_, target) => {
  describe.each(['f32', 'f16'] as const)('%s', (dtype) => {
    test('all finite: so is everything (the control)', async () => {
      for (const values of Object.values(await run(target, dtype, null))) expect(finite(values)).toBe(true);
    });

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      '%d in a query spoils its row, and no other',
      async (value) => {
        const { y, lse, dq, dk, dv } = await run(target, dtype, { name: 'q', at: 20 * C + D + 3, value }); // token 20, head 1
        expect(part(y, 20, 1).some(Number.isFinite)).toBe(false);
        expect(Number.isFinite(lse[T + 20])).toBe(false);
        expect(part(dq, 20, 1).some(Number.isFinite)).toBe(false);
        for (const all of [dk, dv]) expect(part(all, 5, 1).some(Number.isFinite)).toBe(false);
        for (const [t, h] of [
          [20, 0],
          [19, 1],
          [21, 1],
        ] as const)
          expect(finite(part(y, t, h))).toBe(true);
      },
    );

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      '%d in a key spoils every row of its head',
      async (value) => {
        for (const key of [0, S - 1]) {
          const { y, lse, dq, dk } = await run(target, dtype, { name: 'k', at: key * C + 2, value });
          for (const t of [0, 17, T - 1]) {
            expect(part(y, t, 0).some(Number.isFinite)).toBe(false);
            expect(finite(part(y, t, 1))).toBe(true);
            expect(Number.isFinite(lse[t])).toBe(false);
          }
          for (const all of [dq, dk]) expect(finite(all)).toBe(false);
        }
      },
    );

    test.each([Number.NaN, Number.POSITIVE_INFINITY])('%d in a value is seen by every row', async (value) => {
      const { y, dq } = await run(target, dtype, { name: 'v', at: 7 * C + 1, value });
      for (const t of [0, T - 1]) expect(Number.isFinite(y[t * C + 1])).toBe(false);
      expect(finite(dq)).toBe(false);
    });
  });
});
