// Speeds of shapes in; a step's time from them: where every op goes equally fast it is the plan's FLOPs, bytes and dispatches at that speed.
import { expect, test } from 'vitest';
import { sd15Step } from '../../src/bench/sd15-step.ts';
import { forecastStep, type Sample, sampleOf, sumMs } from '../../src/bench/step-forecast.ts';
import { oneOp } from '../../src/bench/workload.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { linear } from '../../src/ops/linear.ts';

const OPS = ['linear', 'linear-dx', 'conv2d', 'conv2d-dx', 'attention', 'attention-backward'];
const plans = sd15Step(kernelsFor(false), 2 ** 27);
const even = (perMs: number): Sample[] => OPS.map((op) => ({ op, results: 1e6, flopsPerResult: 1000, perMs }));

test('products at one speed and nothing else: FLOPs over it', () => {
  const times = forecastStep(plans, { samples: even(1e9), bytesPerMs: 1e30, dispatchMs: 0 });
  const flops = plans.reduce((sum, plan) => sum + plan.flops, 0);
  expect(sumMs(times)).toBeCloseTo(flops / 1e9, 3);
  expect(times.reduce((sum, one) => sum + one.flops, 0)).toBe(flops);
  expect(sumMs(forecastStep(plans, { samples: even(2e9), bytesPerMs: 1e30, dispatchMs: 0 }))).toBeCloseTo(
    flops / 2e9,
    3,
  );
});

test('dispatches are a floor, and all of the plan’s are counted', () => {
  const times = forecastStep(plans, { samples: even(1e30), bytesPerMs: 1e30, dispatchMs: 0.01 });
  const dispatches = plans.reduce((sum, plan) => sum + plan.dispatches.length, 0);
  expect(sumMs(times)).toBeCloseTo(0.01 * dispatches, 3);
  expect(times.reduce((sum, one) => sum + one.dispatches, 0)).toBe(dispatches);
});

test('the most alike shape decides', () => {
  const shape = (m: number, ms: number) =>
    sampleOf(oneOp({ name: '', op: linear, inputs: { x: [m, 32], w: [64, 32] }, weights: ['w'], outputs: ['y'] }), ms);
  const [slow, fast] = [shape(4, 1), shape(4096, 1)];
  expect(fast.perMs / slow.perMs).toBe(1024);
  const others = even(1e9).filter(({ op }) => op !== 'linear');
  const linearOf = (...samples: Sample[]) =>
    forecastStep(plans, { samples: [...others, ...samples], bytesPerMs: 1e30, dispatchMs: 0 }).find(
      ({ op }) => op === 'linear',
    )?.ms ?? 0;
  // Nearly all of its FLOPs are in shapes of hundreds of rows and more; the time embedding has one.
  expect(linearOf(slow, fast)).toBeGreaterThan(linearOf(fast));
  expect(linearOf(slow, fast)).toBeLessThan(linearOf(slow) / 5);
  expect(linearOf(slow, fast)).toBe(linearOf(fast, slow));
});
