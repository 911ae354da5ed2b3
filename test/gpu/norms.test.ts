// groupNorm (+ SiLU) and layerNorm on a GPU = their CPU twins: groups of any width, more than one chunk, a large offset, batch 2.
import { expect, test } from 'vitest';
import { groupNorm } from '../../src/ops/group-norm.ts';
import { layerNorm } from '../../src/ops/layer-norm.ts';
import { expectClose, expectFar, normal, relL2 } from '../check.ts';
import * as twin from '../reference/group-norm.ts';
import * as layerTwin from '../reference/layer-norm.ts';
import { testDevice } from './device.ts';
import { runCase, tolerance } from './op-case.ts';

const dtypes = ['f32', 'f16'] as const;
const bumped = (x: Float64Array): Float64Array => x.map((v, i) => (i === 1 ? v * 1.05 + 0.05 : v));

const shapes = [
  { h: 3, w: 5, channels: 32, groups: 4 }, // 8 a group: vec4 throughout
  { h: 4, w: 4, channels: 40, groups: 4 }, // 10 a group: pairs inside a group, vec4 straddles two
  { h: 5, w: 3, channels: 12, groups: 4 }, // 3 a group: single values inside a group
  { h: 3, w: 3, channels: 6, groups: 2 }, // 3 a group, rows of pairs
  { h: 2, w: 3, channels: 15, groups: 3 }, // odd rows: f32 always
  { h: 2, w: 2, channels: 8, groups: 8 }, // 1 a group
  { h: 40, w: 30, channels: 20, groups: 2 }, // 10 × 1200: three chunks, the last one short
  { h: 2, w: 3, channels: 2048, groups: 1 }, // a row wider than a workgroup
];

test.each(dtypes.flatMap((dtype) => shapes.map((s) => ({ ...s, dtype }))))(
  'groupNorm $h×$w×$channels in $groups groups, $dtype',
  async (s) => {
    const { dtype, h, w, channels, groups } = s;
    const device = await testDevice();
    for (const silu of [false, true]) {
      const inputs = {
        x: { shape: [2, h, w, channels], values: normal(2 * h * w * channels, 1).map((v) => v + 0.7) },
        gamma: { shape: [channels], values: normal(channels, 2, 0.3).map((v) => v + 1), kind: 'weight' as const },
        beta: { shape: [channels], values: normal(channels, 3, 0.5), kind: 'weight' as const },
      };
      const attrs = { groups, eps: 1e-5, silu };
      const d = { batch: 2, positions: h * w, channels, ...attrs };
      const out = await runCase(device, {
        op: groupNorm,
        dtype,
        inputs,
        attrs,
        backward: { from: 'y', to: ['x'], addend: silu },
      });
      const { x, gamma, beta } = out.inputs as { x: Float64Array; gamma: Float64Array; beta: Float64Array };
      const want = twin.groupNorm(x, gamma, beta, d);
      expectClose(out.outputs.mean!, want.mean, tolerance.f32, 'mean');
      expectClose(out.outputs.rstd!, want.rstd, tolerance.f32, 'rstd');
      expectClose(out.outputs.y!, want.y, tolerance[dtype], 'y');
      expectClose(out.gradients.x!, twin.groupNormBackward(x, gamma, beta, out.dy, d), tolerance[dtype], 'dx');
      expectFar(out.outputs.y!, twin.groupNorm(x, bumped(gamma), beta, d).y, tolerance[dtype]);
      expectFar(out.outputs.y!, twin.groupNorm(x, gamma, bumped(beta), d).y, tolerance[dtype]);
      expectFar(out.gradients.x!, twin.groupNormBackward(x, bumped(gamma), beta, out.dy, d), tolerance[dtype]);
    }
  },
);

test('groupNorm of values 1000 ± 1: the variance does not cancel (E[x²] − E[x]² in f32 would be off by 6 %)', async () => {
  const device = await testDevice();
  const shape = [1, 64, 64, 20];
  const inputs = {
    x: { shape, values: normal(64 * 64 * 20, 1).map((v) => v + 1000) },
    gamma: { shape: [20], values: normal(20, 2), kind: 'weight' as const },
    beta: { shape: [20], values: normal(20, 3), kind: 'weight' as const },
  };
  const attrs = { groups: 2, eps: 1e-6, silu: false };
  const out = await runCase(device, { op: groupNorm, dtype: 'f32', inputs, attrs });
  const want = twin.groupNorm(out.inputs.x!, out.inputs.gamma!, out.inputs.beta!, {
    batch: 1,
    positions: 4096,
    channels: 20,
    ...attrs,
  });
  // The mean is rounded to f32 (3e-5 at 1000), which moves every y by as much.
  expect(relL2(out.outputs.rstd!, want.rstd)).toBeLessThan(1e-6);
  expectClose(out.outputs.y!, want.y, { rel: 1e-4 }, 'y');
});

test.each(
  dtypes.flatMap((dtype) =>
    [
      { rows: 5, channels: 320 },
      { rows: 70, channels: 64 },
      { rows: 7, channels: 6 },
      { rows: 7, channels: 27 },
      { rows: 3, channels: 1284 },
    ].map((s) => ({ ...s, dtype })),
  ),
)('layerNorm $rows×$channels, $dtype', async ({ dtype, rows, channels }) => {
  const device = await testDevice();
  for (const addend of [false, true]) {
    const inputs = {
      x: { shape: [2, rows, channels], values: normal(2 * rows * channels, 1).map((v) => v * 2 - 0.5) },
      gamma: { shape: [channels], values: normal(channels, 2, 0.3).map((v) => v + 1), kind: 'weight' as const },
      beta: { shape: [channels], values: normal(channels, 3), kind: 'weight' as const },
    };
    const out = await runCase(device, {
      op: layerNorm,
      dtype,
      inputs,
      attrs: { eps: 1e-5 },
      backward: { from: 'y', to: ['x'], addend },
    });
    const { x, gamma, beta } = out.inputs as { x: Float64Array; gamma: Float64Array; beta: Float64Array };
    const d = { rows: 2 * rows, channels, eps: 1e-5 };
    const want = layerTwin.layerNorm(x, gamma, beta, d);
    expectClose(out.outputs.mean!, want.mean, tolerance.f32, 'mean');
    expectClose(out.outputs.rstd!, want.rstd, tolerance.f32, 'rstd');
    expectClose(out.outputs.y!, want.y, tolerance[dtype], 'y');
    expectClose(out.gradients.x!, layerTwin.layerNormBackward(x, gamma, beta, out.dy, d), tolerance[dtype], 'dx');
    expectFar(out.outputs.y!, layerTwin.layerNorm(x, bumped(gamma), beta, d).y, tolerance[dtype]);
    expectFar(out.gradients.x!, layerTwin.layerNormBackward(x, bumped(gamma), beta, out.dy, d), tolerance[dtype]);
  }
});
