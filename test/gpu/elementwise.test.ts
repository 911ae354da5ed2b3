// concat, silu, geglu, upsampleNearest on a GPU = their CPU twins, in f32 and f16 storage, with and without an addend.
import { expect, test } from 'vitest';
import { concat } from '../../src/ops/concat.ts';
import { geglu } from '../../src/ops/geglu.ts';
import { silu } from '../../src/ops/silu.ts';
import { upsampleNearest } from '../../src/ops/upsample-nearest.ts';
import { expectClose, expectFar, normal, relL2 } from '../check.ts';
import * as twin from '../reference/concat.ts';
import * as gegluTwin from '../reference/geglu.ts';
import * as siluTwin from '../reference/silu.ts';
import * as upsampleTwin from '../reference/upsample-nearest.ts';
import { testDevice } from './device.ts';
import { runCase, tolerance } from './op-case.ts';

const dtypes = ['f32', 'f16'] as const;
/** A copy with every seventh value moved by 5 %: what a control compares with. */
const perturbed = (x: Float64Array): Float64Array => x.map((v, i) => (i % 7 === 0 ? v * 1.05 : v));

test.each(
  dtypes.flatMap((dtype) =>
    [
      [8, 4],
      [6, 10],
      [4, 2],
      [3, 5],
      [3, 4],
      [6, 5],
      [320, 640],
    ].map(([a, b]) => ({ dtype, a: a!, b: b! })),
  ),
)('concat $a + $b, $dtype', async ({ dtype, a, b }) => {
  const rows = a > 100 ? 4 : 2 * 3 * 5; // more than one workgroup once
  const shape = (c: number) => (a > 100 ? [rows, c] : [2, 3, 5, c]);
  const device = await testDevice();
  const inputs = { a: { shape: shape(a) }, b: { shape: shape(b) } };
  const out = await runCase(device, {
    op: concat,
    dtype,
    inputs,
    backward: { from: 'y', to: ['a', 'b'], addend: true },
  });
  const y = twin.concat(out.inputs.a!, out.inputs.b!, { rows, a, b });
  expectClose(out.outputs.y!, y, { rel: 0, max: 0 }, 'y'); // values are moved, not computed
  expectFar(out.outputs.y!, perturbed(y), tolerance[dtype]);
  const { da, db } = twin.concatBackward(out.dy, { rows, a, b });
  expectClose(out.gradients.a!, da, tolerance[dtype], 'da');
  expectClose(out.gradients.b!, db, tolerance[dtype], 'db');
  expectFar(out.gradients.a!, perturbed(da), tolerance[dtype]);
});

test.each(dtypes.flatMap((dtype) => [64, 6, 5, 320].map((c) => ({ dtype, c }))))(
  'silu of 13×$c, $dtype',
  async ({ dtype, c }) => {
    const device = await testDevice();
    const inputs = { x: { shape: [13, c], values: normal(13 * c, 1, 3) } };
    for (const addend of [false, true]) {
      const out = await runCase(device, { op: silu, dtype, inputs, backward: { from: 'y', to: ['x'], addend } });
      const x = out.inputs.x!;
      expectClose(out.outputs.y!, siluTwin.silu(x), tolerance[dtype], 'y');
      expectClose(out.gradients.x!, siluTwin.siluBackward(x, out.dy), tolerance[dtype], 'dx');
      expectFar(out.outputs.y!, siluTwin.silu(perturbed(x)), tolerance[dtype]);
      expectFar(out.gradients.x!, siluTwin.siluBackward(perturbed(x), out.dy), tolerance[dtype]);
    }
  },
);

test.each(dtypes.flatMap((dtype) => [64, 6, 5, 1].map((features) => ({ dtype, features }))))(
  'geglu of 2×7×$features, $dtype',
  async ({ dtype, features }) => {
    const device = await testDevice();
    const inputs = { x: { shape: [2, 7, 2 * features], values: normal(28 * features, 1, 2) } };
    for (const addend of [false, true]) {
      const out = await runCase(device, { op: geglu, dtype, inputs, backward: { from: 'y', to: ['x'], addend } });
      const x = out.inputs.x!;
      expectClose(out.outputs.y!, gegluTwin.geglu(x, 14), tolerance[dtype], 'y');
      expectClose(out.gradients.x!, gegluTwin.gegluBackward(x, out.dy, 14), tolerance[dtype], 'dx');
      expectFar(out.outputs.y!, gegluTwin.geglu(perturbed(x), 14), tolerance[dtype]);
      expectFar(out.gradients.x!, gegluTwin.gegluBackward(perturbed(x), out.dy, 14), tolerance[dtype]);
    }
  },
);

test('activations far out: nothing overflows, and what must vanish does', async () => {
  const device = await testDevice();
  const far = [-6e4, -1000, -100, -88, -14, -6, 6, 14, 88, 100, 1000, 6e4]; // exp overflows f32 beyond 88.7
  const s = await runCase(device, {
    op: silu,
    dtype: 'f32',
    inputs: { x: { shape: [12], values: far } },
    backward: { from: 'y', to: ['x'], addend: false },
  });
  const x = [...far.map(() => 1), ...far]; // h = 1, gates
  const e = await runCase(device, {
    op: geglu,
    dtype: 'f32',
    inputs: { x: { shape: [1, 24], values: x } },
    backward: { from: 'y', to: ['x'], addend: false },
  });
  const near = (got: ArrayLike<number>, want: ArrayLike<number>): void => {
    for (const [i, w] of Array.from(want).entries()) {
      expect(Math.abs(got[i]! - w), `at ${i}: expected ${w}, got ${got[i]}`).toBeLessThan(1e-6 * (1 + Math.abs(w)));
    }
  };
  near(s.outputs.y!, siluTwin.silu(far));
  near(s.gradients.x!, siluTwin.siluBackward(far, s.dy));
  near(e.outputs.y!, gegluTwin.geglu(x, 1));
  near(e.gradients.x!, gegluTwin.gegluBackward(x, e.dy, 1));
});

test('gelu by Abramowitz–Stegun 7.1.26: value and derivative within 4e-7 rel. L2 of the exact ones for gates ~ N(0, 1)', async () => {
  const device = await testDevice();
  const gates = normal(4096, 5);
  const out = await runCase(device, {
    op: geglu,
    dtype: 'f32',
    inputs: { x: { shape: [1, 8192], values: [...gates.map(() => 1), ...gates] } },
    backward: { from: 'y', to: ['x'], addend: false },
  });
  const kept = out.inputs.x!;
  const [value, derivative] = [
    relL2(out.outputs.y!, gegluTwin.geglu(kept, 1)),
    relL2(out.gradients.x!.slice(4096), gegluTwin.gegluBackward(kept, out.dy, 1).slice(4096)),
  ];
  // Measured: 9e-8 and 1.1e-7 on lavapipe and on SwiftShader; the polynomial's own 1.5e-7 is absolute, at its worst point.
  expect(value).toBeLessThan(4e-7);
  expect(derivative).toBeLessThan(4e-7);
});

test.each(
  dtypes.flatMap((dtype) =>
    [
      [8, 6, 10],
      [6, 5, 7],
      [5, 3, 4],
      [64, 8, 8],
    ].map(([c, h, w]) => ({ dtype, c: c!, h: h!, w: w! })),
  ),
)('upsampleNearest 3×4 → $h×$w of $c channels, $dtype', async ({ dtype, c, h, w }) => {
  const device = await testDevice();
  const inputs = { x: { shape: [2, 3, 4, c] } };
  const d = { batch: 2, height: 3, width: 4, outHeight: h, outWidth: w, channels: c };
  for (const addend of [false, true]) {
    const out = await runCase(device, {
      op: upsampleNearest,
      dtype,
      inputs,
      attrs: { height: h, width: w },
      backward: { from: 'y', to: ['x'], addend },
    });
    const y = upsampleTwin.upsampleNearest(out.inputs.x!, d);
    expectClose(out.outputs.y!, y, { rel: 0, max: 0 }, 'y');
    const dx = upsampleTwin.upsampleNearestBackward(out.dy, d);
    expectClose(out.gradients.x!, dx, tolerance[dtype], 'dx');
    expectFar(out.gradients.x!, perturbed(dx), tolerance[dtype]);
  }
});
