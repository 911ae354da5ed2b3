// The whole U-Net on the engine against diffusers + peft in f64: forward, loss and every LoRA gradient, for configs of the family.
import { beforeAll, describe, expect, test } from 'vitest';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { openGolden } from '../../tools/golden-folder.ts';
import { compare, runGolden } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';
import { smallTiles } from './run-op.ts';

let device: GPUDevice;
let pipelines: Pipelines;
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
});

// f16 of all six was run by hand with `npm run golden`; two of them stand here for time.
describe.each([
  ['f32', ['demo', 'four-levels', 'odd', 'odd-widths', 'sd15-narrow', 'two-levels']],
  ['f16', ['demo', 'odd']],
] as const)('%s activations', (activations, names) => {
  test.each(names)('%s', async (name) => {
    const golden = await openGolden(`test/golden/unet/${name}`);
    const rows = await compare(
      golden,
      await runGolden(device, golden, activations, { pipelines, kernels: smallTiles }),
      activations,
    );
    expect(rows.length).toBeGreaterThan(60);
    expect(rows.filter((r) => !r.passed)).toEqual([]);
  });
});

test('a perturbed weight does not pass', async () => {
  const golden = await openGolden('test/golden/unet/two-levels');
  const { weights } = golden;
  const key = 'mid_block.resnets.0.conv1.weight';
  const perturbed = {
    ...weights,
    dtype: () => 'U8' as const, // no format that goes up as it is: the values are asked for
    float32: async (k: string) => (await weights.float32(k)).map((v) => (k === key ? v * 1.05 : v)),
  };
  const rows = await compare(
    golden,
    await runGolden(device, { ...golden, weights: perturbed }, 'f32', { pipelines, kernels: smallTiles }),
    'f32',
  );
  expect(rows.find((r) => r.key === 'noise_pred')?.passed).toBe(false);
  expect(rows.filter((r) => !r.passed).length).toBeGreaterThan(30);
});

test('a missing and a mis-shaped tensor are named', async () => {
  const golden = await openGolden('test/golden/unet/two-levels');
  const { weights } = golden;
  const without = { ...weights, keys: () => weights.keys().filter((k) => k !== 'conv_out.bias') };
  await expect(runGolden(device, { ...golden, weights: without }, 'f32', { pipelines })).rejects.toThrow(
    /conv_out.bias.*no such tensor/,
  );
  const other = { ...weights, shape: (k: string) => (k === 'conv_in.bias' ? [3] : weights.shape(k)) };
  await expect(runGolden(device, { ...golden, weights: other }, 'f32', { pipelines })).rejects.toThrow(
    /conv_in.bias.*"\[3\]"/,
  );
});
