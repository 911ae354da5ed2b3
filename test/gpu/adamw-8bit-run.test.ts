// A run with 8-bit moments on the demo model: some tensors are 8-bit, its steps are not AdamW's, and its state goes into another engine whole.
import { beforeAll, expect, test } from 'vitest';
import { initialWeights } from '../../src/adapter/init.ts';
import { normals } from '../../src/diffusion/random.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import type { MicroStep } from '../../src/gpu/engine-types.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { openUNet } from '../../tools/golden-folder.ts';
import { testDevice } from './device.ts';

const RANK = 64; // at 4 no tensor of the demo model has 4,096 values
let device: GPUDevice;
let pipelines: Pipelines;
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
});

async function engineOf(bits: 8 | 32) {
  const unet = await openUNet('public/models/demo/unet');
  const engine = await createEngine(device, {
    ...unet,
    ...{ height: 8, width: 8, rank: RANK, alpha: RANK, activations: 'f32', recompute: 'off' },
    ...{ kernels: kernelsFor(true), pipelines },
    optimizer: {
      ...{ bits, learningRates: Float32Array.of(1e-3), beta1: 0.9, beta2: 0.999 },
      ...{ epsilon: 1e-8, weightDecay: 1e-2, clip: 1 },
    },
  });
  const draw = (sample: number, count: number) => normals({ seed: 1, purpose: 'lora', sample }, count);
  engine.writeLora(initialWeights(engine.modules, RANK, draw));
  const step = (i: number): MicroStep => ({
    sample: normals({ seed: i, purpose: 'noise' }, 4 * 64),
    target: normals({ seed: i, purpose: 'posterior' }, 4 * 64),
    encoderHiddenStates: normals({ seed: 3, purpose: 'picture' }, 77 * unet.config.crossAttentionDim),
    timestep: 100 * i + 50,
  });
  return {
    engine,
    train: async (from: number, to: number) => {
      for (let i = from; i < to; i++) await engine.step([step(i)]);
    },
  };
}

test('some tensors are 8-bit, the result differs from AdamW’s but not by much, and a stored state goes on bitwise', async () => {
  const [packed, whole] = [await engineOf(8), await engineOf(32)];
  const blocks = packed.engine.built.moments!.blocks;
  const kinds = new Set(Array.from({ length: blocks.length / 4 }, (_, b) => blocks[4 * b + 3]));
  expect(kinds).toContain(1);
  expect(packed.engine.gpuBytes.lora).toBeLessThan(whole.engine.gpuBytes.lora);
  const begun = (await packed.engine.readState()).lora;
  await packed.train(0, 3);
  await whole.train(0, 6);
  const half = await packed.engine.readState();
  expect([half.firstMoment.length, half.secondMoment.length]).toEqual([0, 0]);
  await packed.train(3, 6);
  const another = await engineOf(8);
  another.engine.writeState(half);
  await another.train(3, 6);
  const after = await packed.engine.readState();
  expect(await another.engine.readState()).toEqual(after);

  const { lora } = await whole.engine.readState();
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  const apart = norm(after.lora.map((v, i) => v - lora[i]!)) / norm(lora.map((v, i) => v - begun[i]!));
  expect(apart).toBeGreaterThan(1e-3);
  expect(apart).toBeLessThan(0.3);
  for (const { engine } of [packed, whole, another]) engine.destroy();
});
