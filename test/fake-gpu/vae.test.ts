// The VAE beside a U-Net on a fake device: it fits in exactly what is planned, computes in lent memory, and goes on after a lost device.
import { afterEach, expect, test, vi } from 'vitest';
import { requestGpu } from '../../src/gpu/device.ts';
import { enginePrograms, kernelsFor } from '../../src/gpu/engine-plan.ts';
import { type VaeHalf, vaePrograms } from '../../src/gpu/vae-plan.ts';
import { readVaeConfig } from '../../src/model/vae-config.ts';
import { engineRoom, pictureSpec } from '../../src/worker/engine-room.ts';
import { DEFAULT_LIMITS, planOf, type UNetFiles, unetEngines } from '../../src/worker/unet-engines.ts';
import { vaeNeeds } from '../../src/worker/vae-room.ts';
import { FakeGpu } from './adapter.ts';
import { constants } from './device.ts';
import { config, engineOptions, weightsFor } from './engines.ts';
import { type Habits, HONEST } from './habits.ts';
import { FakeTime } from './time.ts';

vi.setConfig({ testTimeout: 60_000 });
const SIZE = 64;
const files: UNetFiles = {
  ...{ config, downscale: 8, sizes: [SIZE] },
  tensors: weightsFor(enginePrograms(engineOptions, 2 ** 27).weights),
};
const vaeConfig = readVaeConfig({
  ...{ block_out_channels: [8, 8, 8, 8], norm_num_groups: 4 },
  ...{ down_block_types: Array(4).fill('DownEncoderBlock2D'), up_block_types: Array(4).fill('UpDecoderBlock2D') },
});
const weights = (['encode', 'decode'] as const).flatMap((half) => [
  ...vaePrograms(half, { config: vaeConfig, height: 8, width: 8 }, 'f32', kernelsFor(false), 2 ** 27).weights,
]);
const vaeFiles = { config: vaeConfig, tensors: weightsFor(new Map(weights)) };
const needs = (half: VaeHalf, lent: readonly number[] = []): number =>
  vaeNeeds(half, { config: vaeConfig, height: 8, width: 8, lent }, DEFAULT_LIMITS);
const unet = planOf(files, pictureSpec({ size: SIZE, weights: 'f16' }), DEFAULT_LIMITS).built;

let end = (): void => {};
afterEach(() => end());
function rooms(...answers: Partial<Habits>[]) {
  Object.assign(globalThis, constants);
  const time = new FakeTime();
  const gpu = new FakeGpu(time, answers);
  end = time.install();
  const made = unetEngines(
    files,
    () => {},
    () => requestGpu(gpu.gpu),
  );
  const engines = engineRoom(made.build);
  return { time, gpu, engines, vae: made.vae(vaeFiles, engines.lend) };
}
const latents = new Float32Array(4 * 8 * 8);
const pixels = new Float32Array(3 * SIZE * SIZE);
const memory = (capacity: number) => ({ memory: { ...HONEST.memory, capacity } });

test.each([
  ['as planned', 0],
  ['control: a byte less', 1],
])('beside a U-Net a picture is decoded in its arena and what the plan adds: %s', async (_, less) => {
  const adds = needs('decode', unet.slabBytes);
  expect(adds).toBeLessThan(needs('decode')); // some of its arena is lent
  const engine = unet.bytes.total - unet.lora.bytes; // one that does not train has no gradients
  const { time, engines, vae } = rooms(memory(engine + adds - less));
  await time.until(engines.draw(null, { size: SIZE, weights: 'f16' }, async () => {}));
  const decoded = time.until(vae.decode(latents, SIZE));
  if (less) await expect(decoded).rejects.toMatchObject({ code: 'out-of-memory' });
  else expect((await decoded).pixels).toHaveLength(3 * SIZE * SIZE);
});

test('its weights make room when it rests, and come again', async () => {
  const { time, gpu, vae } = rooms(memory(Math.max(needs('encode'), needs('decode'))));
  await time.until(vae.encode(pixels, SIZE));
  await time.until(vae.decode(latents, SIZE));
  await time.until(vae.rest());
  expect(gpu.devices).toHaveLength(1);
  expect((await time.until(vae.encode(pixels, SIZE))).mean).toHaveLength(4 * 8 * 8);
});

test('a photo whose device is lost is encoded on the next one', async () => {
  const { time, gpu, vae } = rooms({ loss: { call: 40, toldMs: 50 } }, {});
  expect((await time.until(vae.encode(pixels, SIZE))).mean).toHaveLength(4 * 8 * 8);
  expect(gpu.devices).toHaveLength(2);
});
test('a picture whose device is lost says so', async () => {
  const { time, vae } = rooms({ loss: { call: 40, toldMs: 50 } }, {});
  await expect(time.until(vae.decode(latents, SIZE))).rejects.toMatchObject({ code: 'device-lost' });
});
