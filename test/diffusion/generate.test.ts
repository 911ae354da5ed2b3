// generate() with a U-Net that is a formula: guidance, what is asked of it and in which order, stopping.
import { describe, expect, it } from 'vitest';
import { type GenerateRequest, generate, type Predictor } from '../../src/diffusion/generate.ts';
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import { samplerPlan } from '../../src/diffusion/samplers.ts';
import { torchGenerator } from '../../src/diffusion/torch-random.ts';
import type { UNetInputs } from '../../src/gpu/engine-types.ts';

const schedule = noiseSchedule({
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
});
const noise = torchGenerator(3).randn(8);
const request: GenerateRequest = {
  prompt: Float32Array.of(2),
  negativePrompt: Float32Array.of(-1),
  noise: () => noise,
  sampler: 'ddim',
  steps: 5,
  guidance: 7.5,
  strength: 0.5,
};

/** Answers sample · strength + the text's one value, and remembers what it was asked. */
function formula() {
  const asked: (UNetInputs & { strength: number })[] = [];
  const unet: Predictor = {
    async predict(inputs, strength) {
      asked.push({ ...inputs, strength });
      return inputs.sample.map((x) => x * strength + inputs.encoderHiddenStates[0]!);
    },
  };
  return { asked, unet };
}
const never = new AbortController().signal;

describe('generate', () => {
  it('is the sampler over ε(∅) + g · (ε(c) − ε(∅))', async () => {
    const { unet } = formula();
    let x = noise;
    for (const { latents: weights, outputs } of samplerPlan('ddim', schedule, 5).steps)
      x = x.map((v) => v * weights[0]! + outputs[0]! * (v * 0.5 + -1 + 7.5 * (v * 0.5 + 2 - (v * 0.5 + -1))));
    const latents = await generate(never, unet, schedule, request);
    // f32 stores of the two answers; x is up to a few dozen after five steps of this rude model
    for (const [i, value] of x.entries())
      expect(Math.abs(latents[i]! - value)).toBeLessThan(1e-5 * Math.abs(value) + 1e-5);
  });

  it('asks twice a step with guidance and once without', async () => {
    const guided = formula();
    await generate(never, guided.unet, schedule, request);
    expect(guided.asked.map((a) => a.timestep)).toEqual([801, 801, 601, 601, 401, 401, 201, 201, 1, 1]);
    expect(guided.asked.every((a) => a.strength === 0.5)).toBe(true);
    const plain = formula();
    await generate(never, plain.unet, schedule, { ...request, guidance: 1 });
    expect(plain.asked.length).toBe(5);
    expect(plain.asked.every((a) => a.encoderHiddenStates === request.prompt)).toBe(true);
  });

  it('leaves the caller’s noise as it was and reports every step', async () => {
    const before = noise.slice();
    const steps: string[] = [];
    await generate(never, formula().unet, schedule, request, (done, total) => steps.push(`${done}/${total}`));
    expect(noise).toEqual(before);
    expect(steps).toEqual(['1/5', '2/5', '3/5', '4/5', '5/5']);
  });

  it('draws new noise at every step of an ancestral sampler but the last, and scales what the U-Net reads', async () => {
    const stream = torchGenerator(3);
    const drawn: Float32Array[] = [];
    const draw = () => {
      drawn.push(stream.randn(8));
      return drawn.at(-1)!;
    };
    const { asked, unet } = formula();
    await generate(never, unet, schedule, { ...request, noise: draw, sampler: 'euler-a', guidance: 1 });
    expect(drawn.length).toBe(5);
    const { initialScale, steps } = samplerPlan('euler-a', schedule, 5);
    for (const [i, value] of asked[0]!.sample.entries())
      expect(value).toBeCloseTo(drawn[0]![i]! * initialScale * steps[0]!.inputScale, 5);
  });

  it('stops between two questions', async () => {
    const { asked, unet } = formula();
    const stop = new AbortController();
    const run = generate(stop.signal, unet, schedule, request, (done) => {
      if (done === 2) stop.abort();
    });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    expect(asked.length).toBe(4);
  });
});
