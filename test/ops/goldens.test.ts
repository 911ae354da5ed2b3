// Twins = PyTorch: result and gradients against test/golden/ops (torch in f64, stored f32), each with a control that must fail. Products: gemm-twins.test.ts.
import { expect, test } from 'vitest';
import { timestepEmbedding } from '../../src/model/time-features.ts';
import { expectClose, expectFar } from '../check.ts';
import { type AdamwRun, adamwStep } from '../reference/adamw.ts';
import { geglu, gegluBackward } from '../reference/geglu.ts';
import { groupNorm, groupNormBackward } from '../reference/group-norm.ts';
import { layerNorm, layerNormBackward } from '../reference/layer-norm.ts';
import { mseLoss, mseLossBackward } from '../reference/mse-loss.ts';
import { silu, siluBackward } from '../reference/silu.ts';
import { upsampleNearest, upsampleNearestBackward } from '../reference/upsample-nearest.ts';
import { bar, bumped, golden } from './golden.ts';

test.each(['silu', 'plain', 'wide'])('groupNorm, %s', async (name) => {
  const c = await golden('group_norm', name);
  const [batch, height, width, channels] = c.shape('x') as [number, number, number, number];
  const eps = name === 'plain' ? 1e-6 : 1e-5; // in f64, as torch had it: the stored setting is f32
  expect(c.number('epsilon')).toBeCloseTo(eps, 12);
  const d = {
    batch,
    positions: height * width,
    channels,
    groups: c.number('groups'),
    eps,
    silu: c.number('silu') === 1,
  };
  const [x, gamma, beta] = [c.of('x'), c.of('weight'), c.of('bias')];
  expectClose(groupNorm(x, gamma, beta, d).y, c.of('y'), bar, 'y');
  expectFar(groupNorm(x, bumped(gamma), beta, d).y, c.of('y'), bar);
  expectClose(groupNormBackward(x, gamma, beta, c.of('dy'), d), c.of('dx'), bar, 'dx');
});

test.each(['even', 'odd'])('layerNorm, %s', async (name) => {
  const c = await golden('layer_norm', name);
  const channels = c.shape('weight')[0]!;
  const d = { rows: c.of('x').length / channels, channels, eps: 1e-5 };
  const [x, gamma, beta] = [c.of('x'), c.of('weight'), c.of('bias')];
  expectClose(layerNorm(x, gamma, beta, d).y, c.of('y'), bar, 'y');
  expectFar(layerNorm(x, gamma, bumped(beta), d).y, c.of('y'), bar);
  expectClose(layerNormBackward(x, gamma, beta, c.of('dy'), d), c.of('dx'), bar, 'dx');
});

test.each(['plain', 'odd'])('geglu, %s', async (name) => {
  const c = await golden('geglu', name);
  expectClose(geglu(c.of('x'), 18), c.of('y'), bar, 'y');
  expectFar(geglu(bumped(c.of('x')), 18), c.of('y'), bar);
  expectClose(gegluBackward(c.of('x'), c.of('dy'), 18), c.of('dx'), bar, 'dx');
});

test('silu', async () => {
  const c = await golden('silu', 'plain');
  expectClose(silu(c.of('x')), c.of('y'), bar, 'y');
  expectFar(silu(bumped(c.of('x'))), c.of('y'), bar);
  expectClose(siluBackward(c.of('x'), c.of('dy')), c.of('dx'), bar, 'dx');
});

test.each(['twice', 'odd'])('upsampleNearest, %s', async (name) => {
  const c = await golden('upsample', name);
  const [batch, height, width, channels] = c.shape('x') as [number, number, number, number];
  const [, outHeight, outWidth] = c.shape('y') as [number, number, number];
  const d = { batch, height, width, outHeight, outWidth, channels };
  expectClose(upsampleNearest(c.of('x'), d), c.of('y'), bar, 'y');
  expectFar(upsampleNearest(bumped(c.of('x')), d), c.of('y'), bar);
  expectClose(upsampleNearestBackward(c.of('dy'), d), c.of('dx'), bar, 'dx');
});

test('mseLoss', async () => {
  const c = await golden('mse', 'plain');
  expectClose([mseLoss(c.of('x'), c.of('target'))], c.of('y'), bar, 'y');
  expectFar([mseLoss(bumped(c.of('x')), c.of('target'))], c.of('y'), bar);
  expectClose(mseLossBackward(c.of('x'), c.of('target'), 1), c.of('dx'), bar, 'dx');
});

test('adamw after clip_grad_norm_', async () => {
  const c = await golden('adamw', 'clipped');
  const [steps, n] = c.shape('gradient') as [number, number];
  const settings = {
    learningRates: [1e-2],
    clip: 0.3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.1,
    dynamicLossScale: false,
    growthInterval: 1,
    largestScale: 1,
  };
  const fresh = (): AdamwRun => ({
    params: [...c.of('parameter')],
    m: new Array<number>(n).fill(0),
    v: new Array<number>(n).fill(0),
    step: 0,
    lossScale: 1,
    goodSteps: 0,
    skipped: 0,
    gradientNorm: 0,
    clipCoefficient: 1,
  });
  const row = (key: string, s: number): Float64Array => c.of(key).slice(s * n, (s + 1) * n);
  const [run, control] = [fresh(), fresh()];
  const clipped: boolean[] = [];
  for (let s = 0; s < steps; s++) {
    adamwStep(run, [...row('gradient', s)], settings);
    adamwStep(control, [...row('gradient', s)], { ...settings, weightDecay: 0.099 });
    clipped.push(run.clipCoefficient < 1);
    expectClose(run.params, row('y', s), bar, `parameters after step ${s + 1}`);
    expectClose(run.m, row('first_moment', s), bar, 'm');
    expectClose(run.v, row('second_moment', s), bar, 'v');
    expectClose([run.gradientNorm], [c.of('gradient_norm')[s]!], bar, 'norm');
  }
  expectFar(control.params, row('y', steps - 1), bar);
  expect([clipped[0], clipped[steps - 1]]).toEqual([true, false]);
});

test.each([
  ['even', 64],
  ['odd', 21],
] as const)('timestepEmbedding, %s width', async (name, dim) => {
  const c = await golden('timestep_embedding', name);
  // diffusers multiplies in f32: an angle of 999 is off by up to 999 · 2⁻²⁴ · a few = 1e-4.
  const f32Bar = { rel: 5e-5, max: 5e-4 };
  const features = (shift: number) =>
    [...c.of('timestep')].flatMap((t) => [...timestepEmbedding(t, dim, { flipSinToCos: true, freqShift: shift })]);
  expectClose(features(0), c.of('y'), f32Bar);
  expectFar(features(0.01), c.of('y'), f32Bar);
});

test('timestepEmbedding: unflipped swaps the halves, freqShift 1 ends at 1/10000', () => {
  const flipped = timestepEmbedding(7, 8, { flipSinToCos: true, freqShift: 1 });
  const plain = timestepEmbedding(7, 8, { flipSinToCos: false, freqShift: 1 });
  expect([...plain]).toEqual([...flipped.slice(4), ...flipped.slice(0, 4)]);
  expect(plain[3]).toBeCloseTo(Math.sin(7e-4), 9);
});
