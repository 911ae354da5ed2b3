// Pictures: 20 DDIM steps with guidance 7.5 and a negative prompt on the demo model against StableDiffusionPipeline; adapter off, on, at half.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAdapter } from '../../src/adapter/read.ts';
import { generate } from '../../src/diffusion/generate.ts';
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { createEngine, type Engine } from '../../src/gpu/engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
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

const draw = async (strength: number): Promise<Float32Array> => {
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
    noise,
    steps: 20,
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
