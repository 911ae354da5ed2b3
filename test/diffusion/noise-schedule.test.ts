// The noise schedule, the U-Net's targets and DDIM's arithmetic against numbers printed by diffusers 0.42.1 (torch 2.13.0, f32).
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { addNoise, type NoiseSchedule, noiseSchedule, target } from '../../src/diffusion/noise-schedule.ts';
import { takeStep } from '../../src/diffusion/sampler-plan.ts';
import { samplerPlan } from '../../src/diffusion/samplers.ts';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { Trouble } from '../../src/trouble.ts';

const config = {
  _class_name: 'DDPMScheduler',
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  clip_sample: false,
  num_train_timesteps: 1000,
  prediction_type: 'epsilon',
  steps_offset: 1,
};
const x = Float32Array.of(0.5, -1.25, 2.0, 0.1);
const out = Float32Array.of(-0.3, 0.7, 1.1, -2.0);
const ddimTimesteps = (schedule: NoiseSchedule, steps: number): number[] =>
  samplerPlan('ddim', schedule, steps).steps.map(({ timestep }) => timestep);
function ddimStep(schedule: NoiseSchedule, t: number): Float32Array {
  const step = samplerPlan('ddim', schedule, 20).steps.find(({ timestep }) => timestep === t);
  return takeStep(step!, [x], [out], null);
}
const at = [0, 1, 250, 500, 750, 998, 999];

/** Largest difference relative to the largest expected value. */
function farthest(actual: ArrayLike<number>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((e, i) => Math.abs((actual[i] as number) - e))) / scale;
}
const ROUNDING = 4e-7; // three f32 roundings (6e-8 each) in diffusers' chain, doubled

describe('noise schedule', () => {
  it('equals torch’s alphas_cumprod, scaled_linear and linear', () => {
    const scaled = noiseSchedule(config);
    const expected = [
      0.9991499781608582, 0.9982960224151611, 0.67379230260849, 0.27633246779441833, 0.05616980418562889,
      0.004716695751994848, 0.00466009508818388,
    ];
    // Each value by itself (the last are 200 times smaller): a thousand factors, each off by at most one f32 rounding of β ≤ 0.012.
    for (const [i, t] of at.entries()) expect(Math.abs(scaled.alphasCumprod[t]! / expected[i]! - 1)).toBeLessThan(1e-6);
    const linear = noiseSchedule({ ...config, beta_schedule: 'linear', beta_start: 0.0001, beta_end: 0.02 });
    const bits = [1065351538, 1065349526, 1057324026, 1033851866, 995641209, 942455494, 942229094];
    const linearExpected = new Float32Array(Uint32Array.from(bits).buffer);
    for (const [i, t] of at.entries())
      expect(Math.abs(linear.alphasCumprod[t]! / linearExpected[i]! - 1)).toBeLessThan(3e-6); // β up to 0.02
  });

  it('ends in nothing but noise where its betas are rescaled for that, as diffusers’ does', () => {
    const { alphasCumprod } = noiseSchedule({ ...config, rescale_betas_zero_snr: true });
    const expected = [
      0.9991499781608582, 0.9982334971427917, 0.6524567604064941, 0.2410186380147934, 0.03279908001422882,
      1.9679633567193378e-7, 0,
    ];
    // The last but one is the square of a difference of two f32 that are 170 times larger than it.
    for (const [i, t] of at.entries())
      expect(Math.abs(alphasCumprod[t]! - expected[i]!)).toBeLessThan(t === 998 ? 1e-10 : 2e-6);
  });

  it('adds noise and forms both targets as diffusers does', () => {
    const s = noiseSchedule({ ...config, prediction_type: 'v_prediction' });
    const noisy = [0.19224385917186737, -0.5126057267189026, 2.2407944202423096, -1.202998399734497];
    const velocity = [-0.5504927635192871, 1.3378098011016846, -0.4345579147338867, -1.6008731126785278];
    expect(farthest(addNoise(s, x, out, 300), noisy)).toBeLessThan(ROUNDING);
    expect(farthest(target(s, x, out, 300), velocity)).toBeLessThan(ROUNDING);
    expect(target(noiseSchedule(config), x, out, 300)).toEqual(out);
    expect(() => addNoise(s, x, out, 1000)).toThrow(RangeError);
  });

  it.each([
    ['trained_betas', [0.1]],
    ['clip_sample', true],
    ['thresholding', true],
    ['timestep_spacing', 'trailing'],
    ['beta_schedule', 'squaredcos_cap_v2'],
    ['prediction_type', 'sample'],
    ['beta_end', 'much'],
    ['num_train_timesteps', 0],
  ])('refuses another %s by name', (key, value) => {
    const refusal = (() => {
      try {
        noiseSchedule({ ...config, [key]: value });
      } catch (error) {
        return error;
      }
    })();
    expect(refusal).toBeInstanceOf(Trouble);
    expect(refusal).toMatchObject({ code: 'not-this-family', facts: { key } });
  });
});

describe('the demo model’s scheduler', () => {
  it('gives every alphas_cumprod and the timesteps of 20 steps as diffusers’ golden has them', async () => {
    const golden = await readSafetensors(
      new Uint8Array(await readFile('test/golden/ddim.safetensors')),
      'ddim.safetensors',
    );
    const json = await readFile('public/models/demo/scheduler/scheduler_config.json', 'utf8');
    const schedule = noiseSchedule(JSON.parse(json));
    const expected = await golden.float32('alphas_cumprod');
    expect(schedule.alphasCumprod.length).toBe(expected.length);
    for (const [t, alpha] of expected.entries())
      expect(Math.abs(schedule.alphasCumprod[t]! / alpha - 1)).toBeLessThan(1e-6);
    const timesteps = new Int32Array((await golden.bytes('timesteps')).buffer);
    expect(ddimTimesteps(schedule, 20)).toEqual([...timesteps]);
  });
});

describe('DDIM', () => {
  it('spaces its timesteps as diffusers does', () => {
    const s = noiseSchedule(config);
    const twenty = [951, 901, 851, 801, 751, 701, 651, 601, 551, 501, 451, 401, 351, 301, 251, 201, 151, 101, 51, 1];
    expect(ddimTimesteps(s, 20)).toEqual(twenty);
    expect(ddimTimesteps(s, 7)).toEqual([853, 711, 569, 427, 285, 143, 1]);
    expect(() => ddimTimesteps(s, 0)).toThrow(RangeError);
    expect(() => ddimTimesteps(s, 1000)).toThrow(RangeError); // t = 1000 does not exist: diffusers fails there too
  });

  it.each([
    ['epsilon', 951, [0.7488799095153809, -1.8565924167633057, 2.27758526802063, 0.7553375959396362]],
    ['epsilon', 501, [0.6041359901428223, -1.5030649900436401, 2.0818967819213867, 0.40309464931488037]],
    ['epsilon', 1, [0.512820839881897, -1.2799865007400513, 1.9562602043151855, 0.18271426856517792]],
    ['v_prediction', 951, [0.5082578659057617, -1.2692352533340454, 1.9681984186172485, 0.15633682906627655]],
    ['v_prediction', 501, [0.5214323997497559, -1.2997660636901855, 1.910239815711975, 0.2523084878921509]],
    ['v_prediction', 1, [0.511957585811615, -1.2778300046920776, 1.9528881311416626, 0.1824733018875122]],
  ])('steps back from t = %s %s as diffusers does', (prediction_type, t, expected) => {
    const s = noiseSchedule({ ...config, prediction_type });
    // At t = 951 ᾱ is 0.007: x_0 is the small difference of large terms divided by √ᾱ, which multiplies diffusers' own rounding by 12.
    expect(farthest(ddimStep(s, t), expected)).toBeLessThan(12 * ROUNDING);
  });

  it('ends at alphas_cumprod[0] where set_alpha_to_one is false, at 1 otherwise', () => {
    const one = ddimStep(noiseSchedule(config), 1);
    const first = ddimStep(noiseSchedule({ ...config, set_alpha_to_one: false }), 1);
    expect(first).not.toEqual(one);
    const alpha = noiseSchedule(config).alphasCumprod;
    const clean = (x[0]! - Math.sqrt(1 - alpha[1]!) * out[0]!) / Math.sqrt(alpha[1]!);
    expect(one[0]).toBeCloseTo(clean, 6);
    expect(first[0]).toBeCloseTo(Math.sqrt(alpha[0]!) * clean + Math.sqrt(1 - alpha[0]!) * out[0]!, 6);
  });
});
