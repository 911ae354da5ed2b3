// The optimizer on a GPU = its CPU twin over many steps: schedule, clipping, weight decay, loss scaling, skipped steps, zeroed gradients.
import { expect, test } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { type OptimizerAttrs, optimizerStep } from '../../src/ops/optimizer.ts';
import { initialState, SLOT } from '../../src/ops/step-state.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { expectClose, expectFar, normal } from '../check.ts';
import { type AdamwRun, adamwStep } from '../reference/adamw.ts';
import { testDevice } from './device.ts';
import { runGraph } from './run-op.ts';

const attrs: OptimizerAttrs = {
  clip: 1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.5,
  dynamicLossScale: true,
  growthInterval: 3,
  largestScale: 64,
};
const learningRates = [1e-2, 5e-3, 2e-2];

/** Runs `gradients` (unscaled, one list a step; the GPU gets them times its own loss scale) on both. */
async function both(n: number, gradients: readonly (readonly number[])[], settings: OptimizerAttrs, lossScale: number) {
  const device = await testDevice();
  const start = [...normal(n, 3)].map(Math.fround);
  let buffers = { params: start, m: start.map(() => 0), v: start.map(() => 0), state: [...initialState(lossScale)] };
  const run: AdamwRun = {
    params: [...start],
    m: start.map(() => 0),
    v: start.map(() => 0),
    step: 0,
    lossScale,
    goodSteps: 0,
    skipped: 0,
    gradientNorm: 0,
    clipCoefficient: 1,
  };
  for (const gradient of gradients) {
    const scaled = gradient.map((x) => Math.fround(x * run.lossScale));
    const g = new Graph();
    const flat = (name: string, kind: 'lora' | 'state' | 'lora-grad'): Tensor => g.tensor(name, [n], kind);
    const t = {
      params: flat('lora', 'lora'),
      grads: flat('gradients', 'lora-grad'),
      kept: { m: flat('m', 'state'), v: flat('v', 'state') },
      state: g.tensor('state', [16], 'state'),
      learningRates: g.tensor('learning rates', [learningRates.length], 'input'),
    };
    optimizerStep(g, t, { ...settings });
    const out = await runGraph(
      device,
      g,
      new Map<Tensor, ArrayLike<number>>([
        [t.params, buffers.params],
        [t.grads, scaled],
        [t.kept.m, buffers.m],
        [t.kept.v, buffers.v],
        [t.state, buffers.state],
        [t.learningRates, learningRates],
      ]),
    );
    const read = async (x: Tensor): Promise<number[]> => [...(await out.read(x))];
    buffers = {
      params: await read(t.params),
      m: await read(t.kept.m),
      v: await read(t.kept.v),
      state: await read(t.state),
    };
    expect(
      (await read(t.grads)).every((x) => Object.is(x, 0)),
      'gradients are zeroed',
    ).toBe(true);
    adamwStep(run, scaled, { ...settings, learningRates });
  }
  const slot = (name: keyof typeof SLOT): number => buffers.state[SLOT[name]]!;
  return { buffers, run, slot, start };
}
const update = (params: readonly number[], start: readonly number[]): number[] => params.map((p, i) => p - start[i]!);
/** Parameters are of order 1 and stored f32 (6e-8 a step); an update of 0.05 over ten steps keeps 1e-5 of itself. */
const bar = { rel: 2e-5, max: 2e-4 };

test.each([{ n: 4 }, { n: 1030 }, { n: 37 }, { n: 40_000 }])('ten steps over $n parameters', async ({ n }) => {
  const gradients = Array.from({ length: 10 }, (_, s) => [...normal(n, 10 + s, s % 2 ? 0.3 : 0.3 / Math.sqrt(n))]); // some are clipped, some are not
  const { buffers, run, slot, start } = await both(n, gradients, attrs, 8);
  expectClose(update(buffers.params, start), update(run.params, start), bar, 'update');
  expectClose(buffers.m, run.m, { rel: 2e-6 }, 'm');
  expectClose(buffers.v, run.v, { rel: 2e-6 }, 'v');
  expect(slot('step')).toBe(10);
  expect(slot('lossScale')).toBe(64); // 8 → 16 → 32 → 64, and not beyond
  expect(slot('lossScale')).toBe(run.lossScale);
  expect(slot('goodSteps')).toBe(run.goodSteps);
  expectClose([slot('gradientNorm'), slot('clipCoefficient')], [run.gradientNorm, run.clipCoefficient], { rel: 2e-6 });
  expectClose([slot('biasCorrection1'), slot('biasCorrection2')], [1 - 0.9 ** 10, 1 - 0.999 ** 10], { rel: 1e-6 });
  expect(slot('learningRate')).toBeCloseTo(2e-2, 8); // the table's last value goes on
  const control: AdamwRun = {
    ...run,
    params: [...start],
    m: start.map(() => 0),
    v: start.map(() => 0),
    step: 0,
    lossScale: 1,
  };
  for (const g of gradients)
    adamwStep(control, g, { ...attrs, learningRates, dynamicLossScale: false, weightDecay: 0.49 });
  expectFar(update(buffers.params, start), update(control.params, start), bar);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 3e38])(
  'a step with a gradient of %s is skipped whole',
  async (bad) => {
    const n = 301;
    const gradients = [4, 5, 6, 7].map((seed) => [...normal(n, seed, 0.1)]);
    gradients[1]![277] = bad; // × the loss scale of 8: 3e38 becomes Inf
    const { buffers, run, slot, start } = await both(n, gradients, attrs, 8);
    expect([slot('step'), slot('skipped'), slot('lossScale'), slot('finite')]).toEqual([3, 1, 4, 1]);
    expect([run.step, run.skipped, run.lossScale]).toEqual([3, 1, 4]);
    expectClose(update(buffers.params, start), update(run.params, start), bar, 'update');
  },
);

test('skipped first: nothing moves, not even by weight decay', async () => {
  const { buffers, slot, start } = await both(8, [[1, 2, Number.NaN, 4, 5, 6, 7, 8]], attrs, 8);
  expect(buffers.params).toEqual(start);
  expect([...buffers.m, ...buffers.v].every((x) => x === 0)).toBe(true);
  expect([slot('finite'), slot('step'), slot('skipped'), slot('lossScale'), slot('biasCorrection1')]).toEqual([
    0, 0, 1, 4, 0,
  ]);
});

test('without dynamic loss scaling the scale stays, and clip 0 does not clip', async () => {
  const gradients = [1, 2, 3, 4].map((seed) => [...normal(64, seed)]);
  gradients[2]![0] = Number.NaN;
  const { buffers, run, slot, start } = await both(64, gradients, { ...attrs, dynamicLossScale: false, clip: 0 }, 1);
  expect([slot('lossScale'), slot('skipped'), slot('clipCoefficient')]).toEqual([1, 1, 1]);
  expectClose(update(buffers.params, start), update(run.params, start), bar, 'update');
});

test('zero gradients: only weight decay', async () => {
  const { buffers, start } = await both(8, [new Array<number>(8).fill(0)], attrs, 1);
  expectClose(
    buffers.params,
    start.map((p) => p * (1 - 1e-2 * 0.5)),
    { rel: 1e-7 },
  );
});
