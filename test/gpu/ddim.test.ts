// Pictures: 20 DDIM steps with guidance 7.5 and a negative prompt on the demo model against StableDiffusionPipeline; adapter off, on, at half.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAdapter } from '../../src/adapter/read.ts';
import { writeKohya } from '../../src/adapter/write.ts';
import { generate } from '../../src/diffusion/generate.ts';
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import { readSafetensors, type SafetensorsFile } from '../../src/files/safetensors.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Vae } from '../../src/gpu/vae.ts';
import { readVaeConfig } from '../../src/model/vae-config.ts';
import { openSafetensors, openUNet } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';

let golden: SafetensorsFile;
let engine: Engine;
beforeAll(async () => {
  golden = await openSafetensors('test/golden/ddim.safetensors');
  const unet = await openUNet('public/models/demo/unet');
  const rank = golden.shape(golden.keys().find((k) => k.endsWith('lora.down.weight')) as string)[0] as number;
  engine = await createEngine(await testDevice(), {
    ...unet,
    height: 16,
    width: 16,
    rank,
    alpha: rank,
    activations: 'f32',
    recompute: 'off',
    kernels: kernelsFor(true),
  });
  const adapter = { ...golden, keys: () => golden.keys().filter((k) => k.includes('.lora.')) };
  engine.writeLora((await readAdapter(adapter, engine.modules)).weights);
});
afterAll(() => engine.destroy());

const draw = async (strength: number, steps = 20): Promise<Float32Array> => {
  const schedule = noiseSchedule(
    JSON.parse(await readFile('public/models/demo/scheduler/scheduler_config.json', 'utf8')),
  );
  const [prompt, negativePrompt, noise] = [
    await golden.float32('prompt_embeds'),
    await golden.float32('negative_prompt_embeds'),
    await golden.float32('latents'),
  ];
  return generate(new AbortController().signal, engine, schedule, {
    prompt,
    negativePrompt,
    noise: () => noise,
    sampler: 'ddim',
    steps,
    guidance: 7.5,
    strength,
  });
};

// 40 U-Net calls, each ~1e-6 off, amplified by guidance: measured ~1e-5; the bar is 1e-3.
test.each([
  ['off', 0],
  ['on', 1],
  ['half', 0.5],
] as const)('adapter %s', async (name, strength) => {
  expect(relativeL2(await draw(strength), await golden.float32(`final.${name}`))).toBeLessThan(1e-3);
});

test('the adapter shows', async () => {
  expect(relativeL2(await golden.float32('final.on'), await golden.float32('final.off'))).toBeGreaterThan(0.05);
});

/** Peak signal-to-noise ratio, dB, of two pictures in [-1, 1]. */
const psnr = (a: Float32Array, b: Float32Array): number =>
  10 * Math.log10(4 / (a.reduce((sum, v, i) => sum + (v - (b[i] as number)) ** 2, 0) / a.length));

// The bar is 40 dB, and the file holds f16: 2⁻¹¹ of each value.
test('the kohya file, read back, redraws the picture', async () => {
  const vaeFolder = 'public/models/demo/vae';
  const vaeConfig = JSON.parse(await readFile(`${vaeFolder}/config.json`, 'utf8'));
  const { device } = engine;
  const tensors = await openSafetensors(`${vaeFolder}/diffusion_pytorch_model.safetensors`);
  const on = { pipelines: new Pipelines(device), lane: laneOf(device), kernels: kernelsFor(true) };
  const vae = new Vae({ config: readVaeConfig(vaeConfig), tensors, ...on });
  const picture = async (strength: number): Promise<Float32Array> => {
    const latents = await draw(strength, 6);
    const unscaled = latents.map((v) => v / vaeConfig.scaling_factor);
    return (await vae.decode(unscaled, 16, 16)).pixels;
  };
  const [without, drawn] = [await picture(0), await picture(1)];
  const { rank } = engine.options;
  const file = await writeKohya(await engine.readLora(), engine.modules, { rank, alpha: rank }, {});
  engine.writeLora(
    (await readAdapter(await readSafetensors(file, 'aawxbc-figurine.safetensors'), engine.modules)).weights,
  );
  expect(psnr(await picture(1), drawn)).toBeGreaterThan(40);
  expect(psnr(without, drawn)).toBeLessThan(30); // the adapter shows, so redrawing it is something
  await vae.rest();
});
