// Every sampler against diffusers' own scheduler, step by step, and generate() with it; the same made-up U-Net on both sides (tools/goldens/samplers.py).
import { beforeAll, describe, expect, it } from 'vitest';
import { generate, type Predictor } from '../../src/diffusion/generate.ts';
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import { takeStep } from '../../src/diffusion/sampler-plan.ts';
import { mostSteps, samplerPlan, samplers } from '../../src/diffusion/samplers.ts';
import { torchGenerator } from '../../src/diffusion/torch-random.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { openSafetensors } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';

const SEED = 650;
const SD15 = {
  ...{ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000 },
  ...{ set_alpha_to_one: false, steps_offset: 1 },
};
const scheduleOf = (prediction_type: string, spacing: string) =>
  noiseSchedule({ ...SD15, prediction_type, ...(spacing === 'leading' ? { timestep_spacing: spacing } : {}) });

const unet: Predictor = {
  predict: async ({ sample, timestep }) => sample.map((x, i) => Math.sin(0.9 * x + timestep / 150 + 0.1 * i) + 0.1),
};

let golden: SafetensorsFile;
beforeAll(async () => {
  golden = await openSafetensors('test/golden/samplers.safetensors');
});

const cases = samplers.flatMap((sampler) =>
  ['epsilon', 'v_prediction'].flatMap((prediction) =>
    ['own', 'leading'].flatMap((spacing) => [10, 25].map((steps) => [sampler, prediction, spacing, steps] as const)),
  ),
);

// diffusers computes in f32, we add up in f64: what its roundings are worth after 25 steps is below 1e-5.
describe.each(cases)('%s, %s, %s spacing, %s steps', (sampler, prediction, spacing, steps) => {
  it('goes diffusers’ way', async () => {
    const expected = await golden.float32(`${sampler}.${prediction}.${spacing}.${steps}`);
    const noise = await golden.float32('noise');
    const schedule = scheduleOf(prediction, spacing);
    const plan = samplerPlan(sampler, schedule, steps);
    expect(plan.steps.length * noise.length).toBe(expected.length);

    const stream = torchGenerator(SEED);
    stream.randn(noise.length); // the picture's own noise
    let latents: Float32Array[] = [noise.map((value) => value * plan.initialScale)];
    let outputs: Float32Array[] = [];
    for (const [i, step] of plan.steps.entries()) {
      const sample = latents[0]!.map((value) => value * step.inputScale);
      const answer = await unet.predict({ sample, timestep: step.timestep, encoderHiddenStates: noise }, 1);
      outputs = [answer, ...outputs];
      latents = [takeStep(step, latents, outputs, step.noise > 0 ? stream.randn(noise.length) : null), ...latents];
      const there = expected.subarray(i * noise.length, (i + 1) * noise.length);
      expect(relativeL2(latents[0]!, there), `step ${i + 1}`).toBeLessThan(1e-4);
    }

    const again = torchGenerator(SEED);
    const text = new Float32Array(1);
    const drawn = await generate(new AbortController().signal, unet, schedule, {
      ...{ prompt: text, negativePrompt: text, noise: () => again.randn(noise.length) },
      ...{ sampler, steps, guidance: 1, strength: 1 },
    });
    expect(relativeL2(drawn, expected.subarray(-noise.length))).toBeLessThan(1e-4);
  });
});

describe('every sampler', () => {
  it.each(samplers)('%s adds up five tensors at most', (sampler) => {
    for (const { latents, outputs, noise } of samplerPlan(sampler, scheduleOf('v_prediction', 'own'), 25).steps)
      expect([...latents, ...outputs, noise].filter((weight) => weight !== 0).length).toBeLessThanOrEqual(5);
  });

  it.each(samplers)('%s has one step, and as many as the schedule has room for', (sampler) => {
    for (const spacing of ['own', 'leading']) {
      const schedule = scheduleOf('epsilon', spacing);
      expect(samplerPlan(sampler, schedule, 1).steps.length).toBe(1);
      const { steps } = samplerPlan(sampler, schedule, mostSteps(schedule));
      const weights = steps.flatMap(({ timestep, latents, outputs }) => [timestep, ...latents, ...outputs]);
      expect(weights.every(Number.isFinite)).toBe(true);
      expect(steps.every(({ timestep }) => timestep >= 0 && timestep < schedule.trainTimesteps)).toBe(true);
      for (const wrong of [0, 1.5, mostSteps(schedule) + 1])
        expect(() => samplerPlan(sampler, schedule, wrong)).toThrow(RangeError);
    }
  });
});
