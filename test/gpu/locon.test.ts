// A LoCon of LyCORIS's over every linear layer and convolution, drawn on the engine: noise_pred as LyCORIS and diffusers have it; three adapters as one.
import { beforeAll, expect, test } from 'vitest';
import { combineAdapters, type Part } from '../../src/adapter/combine.ts';
import { fitAdapter } from '../../src/adapter/fit.ts';
import { type ReadAdapter, readAdapter } from '../../src/adapter/read.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { EVERY_TARGET } from '../../src/model/lora.ts';
import { everyModule } from '../../src/worker/unet-engines.ts';
import { type GoldenFolder, openGolden, openSafetensors } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';

let device: GPUDevice;
let pipelines: Pipelines;
let golden: GoldenFolder;
let locon: ReadAdapter;
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
  golden = await openGolden('test/golden/unet/sd15-narrow');
  const { config, weights } = golden;
  const modules = everyModule({ config, tensors: weights, downscale: 8, sizes: [128] });
  locon = await readAdapter(await openSafetensors('test/golden/adapters/locon.safetensors'), modules);
});

async function carrying(part: { rank: number; alpha: number; weights: Part['weights'] }): Promise<Engine> {
  const { config, weights, inputs } = golden;
  const engine = await createEngine(device, {
    ...{ config, weights, height: inputs.height, width: inputs.width, pipelines, kernels: kernelsFor(true) },
    ...{ rank: part.rank, alpha: part.rank, targets: EVERY_TARGET, activations: 'f32', recompute: 'off' },
  });
  engine.writeLora(fitAdapter(part, { rank: part.rank, alpha: part.rank }, engine.modules));
  return engine;
}
const answer = async (engine: Engine, strength = 1): Promise<Float32Array> => {
  const { sample, timesteps, encoderHiddenStates } = golden.inputs;
  try {
    return await engine.predict({ sample, timestep: timesteps[0] as number, encoderHiddenStates }, strength);
  } finally {
    engine.destroy();
  }
};

test('noise_pred with every module adapted', async () => {
  const expected = await openSafetensors('test/golden/adapters/expected.safetensors');
  const wanted = await expected.float32('locon/noise_pred');
  const got = await answer(await carrying({ ...locon, alpha: locon.rank }));
  expect(relativeL2(got, wanted)).toBeLessThan(1e-4);
  const without = await answer(await carrying({ ...locon, alpha: locon.rank }), 0);
  expect(relativeL2(without, wanted)).toBeGreaterThan(0.05); // it does something
});

test('three together are those three in one file', async () => {
  const base = await answer(await carrying({ ...locon, alpha: locon.rank }), 0);
  // The same adapter three times: together they are its own strengths' sum, whatever the U-Net makes of it.
  const part = (strength: number): Part => ({ ...locon, alpha: locon.rank, strength });
  const sum = 0.5 + 1 - 0.3;
  const once = await answer(await carrying({ ...locon, alpha: locon.rank }), sum);
  const one = combineAdapters([part(0.5), part(1), part(-0.3)]);
  expect(one.rank).toBe(3 * locon.rank);
  const together = await answer(await carrying(one));
  expect(relativeL2(together, once)).toBeLessThan(1e-4);
  expect(relativeL2(together, base)).toBeGreaterThan(0.05);
});
