// How much a submit carries: a fake GPU that takes the time it is told, and the real one, whose values must not depend on it.
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../src/gpu/engine.ts';
import { kernelsFor, MAX_DISPATCH_FLOPS } from '../../src/gpu/engine-plan.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { dispatchFlops, LEAST_DISPATCH_FLOPS, measureSpeed, withProducts } from '../../src/gpu/speed.ts';
import { SubmitPace } from '../../src/gpu/submit-pace.ts';
import { openGolden } from '../../tools/golden-folder.ts';
import { someOptimizer } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';

/** A training step's mixture: products of 0.1 to 10 GFLOP between kernels without FLOPs. */
const commands = Array.from({ length: 3000 }, (_, i) => ({ flops: i % 3 === 0 ? 1e8 * (1 + (i % 97)) : 0 }));

/** A queue that works off submits one after another. `speed()` in FLOP/ms, `dispatchMs` for each command. */
function fakeGpu(speed: () => number, dispatchMs: number) {
  let free = 0;
  const clock = { ms: 0 };
  const waiting: { at: number; resolve: () => void }[] = [];
  const pieces: { ms: number; count: number }[] = [];
  const pace = new SubmitPace(
    {
      onSubmittedWorkDone: () =>
        new Promise((resolve) => waiting.push({ at: free, resolve: () => resolve(undefined) })),
    },
    {},
    () => clock.ms,
  );
  return {
    pieces,
    async step() {
      for (let at = 0; at < commands.length; ) {
        const end = pace.pieceEnd(commands, at);
        const flops = commands.slice(at, end).reduce((sum, c) => sum + c.flops, 0);
        const ms = flops / speed() + (end - at) * dispatchMs;
        free = Math.max(free, clock.ms) + ms;
        pieces.push({ ms, count: end - at });
        pace.submitted(commands, at, end);
        at = end;
      }
      for (const { at, resolve } of waiting.splice(0)) {
        clock.ms = at;
        resolve();
        await Promise.resolve();
      }
      await new Promise((wake) => setTimeout(wake, 0));
    },
  };
}

describe('pieces adapt to the GPU', () => {
  test.each([
    ['20 GFLOP/s', 20e6, 0.05],
    ['250 GFLOP/s', 250e6, 0.02],
    ['10 TFLOP/s', 1e10, 0.01],
    ['one whose small kernels are slow', 1e9, 1],
  ])('%s', async (_, speed, dispatchMs) => {
    const gpu = fakeGpu(() => speed, dispatchMs);
    for (let i = 0; i < 3; i++) await gpu.step();
    gpu.pieces.length = 0;
    await gpu.step();
    const longestCommand = Math.max(...commands.map((c) => c.flops)) / speed + dispatchMs;
    const most = Math.max(...gpu.pieces.map((p) => p.ms));
    expect(most).toBeLessThanOrEqual(Math.max(250, longestCommand * 1.001));
    // Never more pieces than twice what 150 ms each would need: on a fast GPU submitting costs nothing to speak of.
    const total = gpu.pieces.reduce((sum, p) => sum + p.ms, 0);
    if (longestCommand < 75) expect(gpu.pieces.length).toBeLessThanOrEqual(Math.ceil((2 * total) / 150));
  });

  test('a card that slows down to a third is noticed within a few steps', async () => {
    let speed = 1e9;
    const gpu = fakeGpu(() => speed, 0.01);
    for (let i = 0; i < 20; i++) await gpu.step();
    speed /= 3;
    for (let i = 0; i < 400; i++) await gpu.step();
    gpu.pieces.length = 0;
    await gpu.step();
    expect(Math.max(...gpu.pieces.map((p) => p.ms))).toBeLessThanOrEqual(250);
  });

  test('without the adaptation a slow GPU would be held too long: the control', async () => {
    const gpu = fakeGpu(() => 20e6, 0.05);
    await gpu.step();
    expect(gpu.pieces[0]!.ms).toBeGreaterThan(250);
  });
});

test('one command a submit gives bitwise the same as all in one', async () => {
  const device = await testDevice();
  const pipelines = new Pipelines(device);
  const golden = await openGolden('test/golden/unet/two-levels');
  const { config, weights, inputs } = golden;
  const results = [];
  for (const targetMs of [0, Number.POSITIVE_INFINITY]) {
    const pace = new SubmitPace(device.queue, {}, undefined, targetMs);
    const common = { config, weights, batch: inputs.batch, height: inputs.height, width: inputs.width, pipelines };
    const options = {
      rank: 4,
      alpha: 4,
      activations: 'f16',
      recompute: 'off',
      optimizer: someOptimizer,
      kernels: kernelsFor(true),
    } as const;
    const engine = await createEngine(device, { ...common, ...options, pace });
    const submit = device.queue.submit.bind(device.queue);
    let submits = 0;
    device.queue.submit = (buffers) => {
      submits++;
      return submit(buffers);
    };
    const { noisePred, loss } = await engine.gradients({ ...inputs, timestep: inputs.timesteps[0] as number } as never);
    device.queue.submit = submit;
    results.push({ noisePred, loss, submits });
    engine.destroy();
  }
  const [apart, whole] = results as [(typeof results)[0], (typeof results)[0]];
  expect(apart.submits).toBeGreaterThan(100);
  expect(whole.submits).toBeLessThan(10);
  expect(apart.noisePred).toEqual(whole.noisePred);
  expect(apart.loss).toBe(whole.loss);
  device.destroy();
});

describe('how long a dispatch may be', () => {
  test('50 ms of what was measured, in halvings, never above the default', () => {
    expect(dispatchFlops(1e10)).toBe(MAX_DISPATCH_FLOPS);
    expect(dispatchFlops(250e6)).toBe(MAX_DISPATCH_FLOPS);
    for (const gflops of [200, 60, 20]) {
      const flops = dispatchFlops(gflops * 1e6);
      expect(flops / (gflops * 1e6)).toBeLessThanOrEqual(50);
      expect(flops / (gflops * 1e6)).toBeGreaterThan(25);
    }
    expect(dispatchFlops(1e5)).toBe(LEAST_DISPATCH_FLOPS);
  });

  test.each([1e10, 250e6, 20e6, 2e6])('measuring an adapter of %d FLOP/ms takes no more than 300 ms', async (speed) => {
    let spent = 0;
    const measured = await measureSpeed(async (side) => {
      const ms = (2 * side ** 3) / speed + 1; // and a millisecond for submitting
      spent += ms;
      return ms;
    });
    expect(spent).toBeLessThanOrEqual(300);
    expect(measured).toBeLessThanOrEqual(speed);
    expect(dispatchFlops(measured)).toBeGreaterThanOrEqual(dispatchFlops(speed) / 2);
  });

  test('a driver that compiles a kernel when it first runs does not make an adapter slow', async () => {
    const seen = new Set<number>();
    const measured = await measureSpeed(async (side) => {
      const compiling = seen.has(side) ? 0 : 10_000;
      seen.add(side);
      return (2 * side ** 3) / 1e9 + 0.2 + compiling;
    });
    expect(dispatchFlops(measured)).toBe(MAX_DISPATCH_FLOPS);
  });

  test('on this adapter', async () => {
    const device = await testDevice();
    const speed = await withProducts(new Pipelines(device), kernelsFor(false), measureSpeed);
    expect(speed).toBeGreaterThan(1e4); // 10 MFLOP/s: anything at all
    expect(Number.isFinite(speed)).toBe(true);
    console.log(`${(speed / 1e6).toFixed(1)} GFLOP/s`);
    device.destroy();
  });
});
