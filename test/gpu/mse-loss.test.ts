// mseLoss on a GPU = its CPU twin; the gradient carries weight and loss scale, the loss neither.
import { test } from 'vitest';
import { mseLoss } from '../../src/ops/mse-loss.ts';
import { initialState } from '../../src/ops/step-state.ts';
import { expectClose, expectFar } from '../check.ts';
import * as twin from '../reference/mse-loss.ts';
import { testDevice } from './device.ts';
import { runCase, tolerance } from './op-case.ts';

const shapes = [
  [1, 2, 3, 4],
  [2, 5, 7, 4],
  [1, 3, 3, 6],
  [2, 3, 3, 3],
  [1, 64, 64, 4],
  [2, 330, 220, 4],
]; // the last: more than 256 × 1024 values

test.each((['f32', 'f16'] as const).flatMap((dtype) => shapes.map((shape) => ({ dtype, shape }))))(
  'mseLoss of $shape, $dtype',
  async ({ dtype, shape }) => {
    const device = await testDevice();
    const lossScale = 1024;
    const inputs = {
      pred: { shape },
      target: { shape, kind: 'input' as const, dtype: 'f32' as const },
      state: { shape: [16], values: initialState(lossScale), kind: 'state' as const, dtype: 'f32' as const },
    };
    const out = await runCase(device, {
      op: mseLoss,
      dtype,
      inputs,
      attrs: { weight: 0.25 },
      backward: { to: ['pred'], addend: false },
    });
    const { pred, target } = out.inputs as { pred: Float64Array; target: Float64Array };
    // A sum of n positive f32 terms in tree order: relative error ≤ (terms a thread + 16) · 6e-8.
    expectClose(out.outputs.loss!, [twin.mseLoss(pred, target)], { rel: 3e-6 }, 'loss');
    const perturbed = target.map((v, i) => (i % 7 === 0 ? v * 1.05 : v));
    expectFar(out.outputs.loss!, [twin.mseLoss(pred, perturbed)], { rel: 3e-6 });
    expectClose(out.gradients.pred!, twin.mseLossBackward(pred, target, 0.25 * lossScale), tolerance[dtype], 'dpred');
    expectFar(out.gradients.pred!, twin.mseLossBackward(pred, perturbed, 0.25 * lossScale), tolerance[dtype]);
  },
);

test('mseLoss adds to a gradient that is there already', async () => {
  const inputs = {
    pred: { shape: [2, 3, 4] },
    target: { shape: [2, 3, 4], kind: 'input' as const },
    state: { shape: [16], values: initialState(8), kind: 'state' as const },
  };
  const out = await runCase(await testDevice(), {
    op: mseLoss,
    dtype: 'f32',
    inputs,
    attrs: { weight: 1 },
    backward: { to: ['pred'], addend: true },
  });
  expectClose(
    out.gradients.pred!,
    twin.mseLossBackward(out.inputs.pred!, out.inputs.target!, 8),
    tolerance.f32,
    'dpred',
  );
});
