// How much a submit carries, on the real device: values must not depend on it. What it is on cards of all speeds: ../fake-gpu/cards.test.ts.
import { expect, test } from 'vitest';
import { createEngine } from '../../src/gpu/create-engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { Lane } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { measureSpeed } from '../../src/gpu/speed.ts';
import { SubmitPace } from '../../src/gpu/submit-pace.ts';
import { openGolden } from '../../tools/golden-folder.ts';
import { someOptimizer } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';

test('one command a submit gives bitwise the same as all in one', async () => {
  const device = await testDevice();
  const pipelines = new Pipelines(device);
  const golden = await openGolden('test/golden/unet/two-levels');
  const { config, weights, inputs } = golden;
  const results = [];
  for (const targetMs of [0, Number.POSITIVE_INFINITY]) {
    const lane = new Lane(device, new SubmitPace({}, targetMs));
    const common = { config, weights, batch: inputs.batch, height: inputs.height, width: inputs.width, pipelines };
    const options = {
      rank: 4,
      alpha: 4,
      activations: 'f16',
      recompute: 'off',
      optimizer: someOptimizer,
      kernels: kernelsFor(true),
    } as const;
    const engine = await createEngine(device, { ...common, ...options, lane });
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

test('the speed of this adapter is told', async () => {
  const device = await testDevice();
  const { told, atLeast } = await measureSpeed(new Pipelines(device), kernelsFor(false));
  expect(atLeast).toBeGreaterThan(1e4); // 10 MFLOP/s: anything at all
  expect(Number.isFinite(atLeast)).toBe(true);
  console.log(`${((told ?? atLeast) / 1e6).toFixed(1)} GFLOP/s`);
  device.destroy();
});
