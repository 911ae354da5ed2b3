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
const answer = (engine: Engine, strength: number): Promise<Float32Array> => {
  const { sample, timesteps, encoderHiddenStates } = golden.inputs;
  return engine.predict({ sample, timestep: timesteps[0] as number, encoderHiddenStates }, strength);
};

test('noise_pred with every module adapted; three together are those three in one file', async () => {
  const engine = await carrying({ ...locon, alpha: locon.rank });
  const [base, full] = [await answer(engine, 0), await answer(engine, 1)];
  // One adapter three times: together they are the one at the sum of their strengths, whatever the U-Net makes of it.
  const summed = await answer(engine, 0.5 + 1 - 0.3);
  engine.destroy();
  const expected = await openSafetensors('test/golden/adapters/expected.safetensors');
  expect(relativeL2(full, await expected.float32('locon/noise_pred'))).toBeLessThan(1e-4);
  expect(relativeL2(full, base)).toBeGreaterThan(0.05); // it does something

  const part = (strength: number): Part => ({ ...locon, alpha: locon.rank, strength });
  const one = combineAdapters([part(0.5), part(1), part(-0.3)]);
  expect(one.rank).toBe(3 * locon.rank);
  const merged = await carrying(one);
  expect(relativeL2(await answer(merged, 1), summed)).toBeLessThan(1e-4);
  merged.destroy();
}, 600_000); // pipelines of its own: a software adapter compiles them first
