// Options of a run against diffusers' own training code on the demo U-Net (test/golden/recipes): recorded draws in, every loss, rate and the update out.
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { readAdapter } from '../../src/adapter/read.ts';
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import type { LoraWeights } from '../../src/gpu/engine-types.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { withOffset } from '../../src/training/draws.ts';
import { groupAt } from '../../src/training/epochs.ts';
import { type EncodedPhoto, shown } from '../../src/training/examples.ts';
import { learningRates } from '../../src/training/learning-rate.ts';
import { PLAIN, type TrainingSettings } from '../../src/training/settings.ts';
import { namesOf } from '../../src/worker/engine-room.ts';
import { openSafetensors, openUNet } from '../../tools/golden-folder.ts';
import { testDevice } from './device.ts';

let device: GPUDevice;
let pipelines: Pipelines;
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
});

interface Golden {
  settings: Omit<TrainingSettings, 'priorWeight'> & { priorWeight: number | null; photos: number };
  samples: { step: number; batch: number; size: number; kind: 'photo' | 'class'; index: number; timestep: number }[];
}
const cosine = (a: number[], b: number[]): number => {
  const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

/** `photosOnly`: as if there were no class pictures. */
async function run(name: string, change: Partial<Golden['settings']> = {}, photosOnly = false) {
  const dir = `test/golden/recipes/${name}`;
  const golden = JSON.parse(await readFile(`${dir}/settings.json`, 'utf8')) as Golden;
  const s = {
    ...PLAIN,
    ...golden.settings,
    ...change,
    priorWeight: change.priorWeight ?? golden.settings.priorWeight ?? 0,
  };
  const inputs = await openSafetensors(`${dir}/inputs.safetensors`);
  const expected = await openSafetensors(`${dir}/expected.safetensors`);
  const [mean, logvar, states] = [
    await inputs.float32('mean'),
    await inputs.float32('logvar'),
    await inputs.float32('states'),
  ];
  const [epsilons, noises, offsets] = [
    await inputs.float32('epsilon'),
    await inputs.float32('noise'),
    await inputs.float32('offset'),
  ];
  const values = epsilons.length / golden.samples.length;
  const part = (all: Float32Array, i: number, size: number) => all.slice(i * size, (i + 1) * size);
  const scheduler = JSON.parse(await readFile('public/models/demo/scheduler/scheduler_config.json', 'utf8'));
  const { scaling_factor: scalingFactor } = JSON.parse(await readFile('public/models/demo/vae/config.json', 'utf8'));
  const set = {
    schedule: noiseSchedule(scheduler),
    scalingFactor: scalingFactor as number,
    emptyPrompt: new Float32Array(),
  };
  const photo = (kind: 'photo' | 'class', index: number): EncodedPhoto => {
    const at = index + (kind === 'class' ? s.photos : 0);
    const encoderHiddenStates = part(states, kind === 'class' ? 1 : 0, states.length / 2);
    return { name: `${at}`, mean: part(mean, at, values), logVariance: part(logvar, at, values), encoderHiddenStates };
  };
  const samples = golden.samples
    .map((sample, i) => ({ ...sample, i }))
    .filter(({ kind }) => !photosOnly || kind === 'photo');
  const micro = samples.map(({ kind, index, timestep, size, i }) => {
    const noise = withOffset(part(noises, i, values), part(offsets, i, 4), s.noiseOffset);
    const drawn = { epsilon: part(epsilons, i, values), noise, timestep, view: 0, wording: 0, unsaid: false };
    return shown(set, s, photo(kind, index), drawn, (s.batch / size) * (kind === 'class' ? s.priorWeight : 1));
  });
  const withClass = samples.some(({ kind }) => kind === 'class');
  const engine = await createEngine(device, {
    ...(await openUNet('public/models/demo/unet')),
    ...{ height: 16, width: 16, rank: s.rank, alpha: s.rank, activations: 'f32', recompute: 'off' },
    ...{ micro: s.batch * s.accumulate, passes: s.batch * s.accumulate * (withClass ? 2 : 1) },
    ...{ pipelines, kernels: kernelsFor(true), targets: namesOf[s.targets] },
    optimizer: {
      learningRates: learningRates(s),
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 1e-2,
      clip: s.clip,
    },
  });
  const init = (await readAdapter(await openSafetensors(`${dir}/lora.safetensors`), engine.modules)).weights;
  engine.writeLora(init);
  const reports = [];
  for (let step = 0; step < s.steps; step++) {
    const mine = samples.flatMap((sample, i) => (sample.step === step ? [micro[i]!] : []));
    const { batches, full } = groupAt(step, s.photos, s);
    expect(mine.length).toBe(batches.flat().length * (withClass ? 2 : 1));
    const report = await engine.step(mine);
    reports.push({ ...report, loss: (report.loss * full) / batches.length });
  }
  const after = await engine.readLora();
  engine.destroy();
  return { reports, expected, init, after };
}

async function update(init: LoraWeights, after: LoraWeights, which: 'down' | 'up'): Promise<number[]> {
  return [...init].flatMap(([name, w]) => [...w[which]].map((v, i) => after.get(name)![which][i]! - v));
}

describe.each(['min-snr', 'accumulate', 'prior', 'linear', 'locon'])('%s', (name) => {
  test('every loss, rate and norm, and the update', async () => {
    const { reports, expected, init, after } = await run(name);
    const losses = await expected.float32('losses');
    const norms = await expected.float32('norms');
    const rates = await expected.float32('rates');
    expect(reports.length).toBe(losses.length);
    for (const [i, { loss, gradientNorm, learningRate }] of reports.entries()) {
      expect(Math.abs(loss / losses[i]! - 1)).toBeLessThan(5e-4);
      expect(Math.abs(gradientNorm / norms[i]! - 1)).toBeLessThan(2e-3);
      expect(Math.abs(learningRate - rates[i]!)).toBeLessThan(1e-9);
    }
    for (const which of ['down', 'up'] as const) {
      const wanted: LoraWeights = new Map();
      for (const [module, w] of init) {
        const key = (side: string) => `lora_after.unet.${module}.lora.${side}.weight`;
        wanted.set(module, { ...w, [which]: await expected.float32(key(which)) });
      }
      expect(cosine(await update(init, after, which), await update(init, wanted, which))).toBeGreaterThan(0.999);
    }
  });
});

test('class pictures of weight 0 leave losses and adapter what they are without them, bitwise', async () => {
  const weightless = await run('prior', { priorWeight: 0, steps: 2 });
  const without = await run('prior', { steps: 2 }, true);
  expect(weightless.reports).toEqual(without.reports);
  expect(weightless.after).toEqual(without.after);
  expect(weightless.after).not.toEqual((await run('prior', { steps: 2 })).after);
});
