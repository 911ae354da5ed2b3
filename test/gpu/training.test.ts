// Ten optimizer steps on the demo U-Net against diffusers + peft + torch.optim.AdamW: losses, gradient norms and the adapter's update.
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { readAdapter } from '../../src/adapter/read.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import type { LoraWeights, MicroStep, StepReport } from '../../src/gpu/engine-types.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import type { DType } from '../../src/tensor/tensor.ts';
import { openSafetensors, openUNet, timestepsOf } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';

let device: GPUDevice;
let pipelines: Pipelines;
beforeAll(async () => {
  device = await testDevice();
  pipelines = new Pipelines(device);
});

interface Settings {
  steps: number;
  rank: number;
  learning_rate: number;
  weight_decay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  clip: number;
}

async function setUp(name: string, activations: DType, micro = 1) {
  const dir = `test/golden/training/${name}`;
  const s = JSON.parse(await readFile(`${dir}/settings.json`, 'utf8')) as Settings;
  const engine = await createEngine(device, {
    ...(await openUNet('public/models/demo/unet')),
    height: 16,
    width: 16,
    rank: s.rank,
    alpha: s.rank,
    activations,
    recompute: 'off',
    micro,
    pipelines,
    kernels: kernelsFor(true), // several times faster on a software adapter; unet.test.ts runs the tiles
    optimizer: {
      learningRates: new Float32Array(s.steps).fill(s.learning_rate),
      beta1: s.beta1,
      beta2: s.beta2,
      epsilon: s.epsilon,
      weightDecay: s.weight_decay,
      clip: s.clip,
    },
  });
  const inputs = await openSafetensors(`${dir}/inputs.safetensors`);
  const [sample, target, text, timesteps] = [
    await inputs.float32('sample'),
    await inputs.float32('target'),
    await inputs.float32('encoder_hidden_states'),
    await timestepsOf(inputs, 'timestep'),
  ];
  const part = (all: Float32Array, i: number): Float32Array =>
    all.slice((i * all.length) / s.steps, ((i + 1) * all.length) / s.steps);
  const examples = Array.from(
    { length: s.steps },
    (_, i): MicroStep => ({
      sample: part(sample, i),
      target: part(target, i),
      encoderHiddenStates: part(text, i),
      timestep: timesteps[i] as number,
    }),
  );
  const init = (await readAdapter(await openSafetensors(`${dir}/lora.safetensors`), engine.modules)).weights;
  engine.writeLora(init);
  return { dir, settings: s, engine, examples, init };
}

async function train(engine: Engine, examples: readonly MicroStep[]): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (const example of examples) reports.push(await engine.step([example]));
  return reports;
}

const all = (weights: LoraWeights, names: readonly string[], which: 'down' | 'up'): Float32Array =>
  Float32Array.from(names.flatMap((n) => [...(weights.get(n) as { down: Float32Array; up: Float32Array })[which]]));
const minus = (a: Float32Array, b: Float32Array): Float32Array => a.map((v, i) => v - (b[i] as number));

// The bars are the issue's; torch with f16 autocast on this model is 4e-4 (losses) and 2e-2 (update) from f64.
const bars = { f32: { loss: 1e-4, update: 3e-2 }, f16: { loss: 2e-3, update: 1e-1 } };

describe.each([
  ['zero-b', 'f32'],
  ['random-b', 'f32'],
  ['random-b', 'f16'],
] as const)('%s, %s activations', (name, activations) => {
  test('ten steps', async () => {
    const { dir, engine, examples, init } = await setUp(name, activations);
    const expected = await openSafetensors(`${dir}/expected.safetensors`);
    const losses = await expected.float32('losses');
    const norms = await expected.float32('gradient_norms');
    const reports = await train(engine, examples);
    reports.forEach((r, i) => {
      expect(r.skipped).toBe(false);
      expect(r.step).toBe(i + 1);
      expect(Math.abs(r.loss / (losses[i] as number) - 1)).toBeLessThan(bars[activations].loss);
      expect(Math.abs(r.gradientNorm / (norms[i] as number) - 1)).toBeLessThan(activations === 'f32' ? 1e-3 : 1e-2);
    });
    const names = engine.modules.map((m) => m.name);
    const after = await engine.readLora();
    const want: LoraWeights = new Map();
    for (const n of names)
      want.set(n, {
        down: await expected.float32(`lora_after.unet.${n}.lora.down.weight`),
        up: await expected.float32(`lora_after.unet.${n}.lora.up.weight`),
      });
    for (const which of ['down', 'up'] as const) {
      const [got, wanted] = [after, want].map((w) => minus(all(w, names, which), all(init, names, which)));
      expect(relativeL2(got as Float32Array, wanted as Float32Array)).toBeLessThan(bars[activations].update);
    }
    engine.destroy();
  });
});

test('state read after five steps and written into a fresh engine goes on to the same adapter, bitwise', async () => {
  const whole = await setUp('zero-b', 'f32');
  await train(whole.engine, whole.examples);
  const first = await setUp('zero-b', 'f32');
  await train(first.engine, first.examples.slice(0, 5));
  const second = await setUp('zero-b', 'f32');
  second.engine.writeState(await first.engine.readState());
  const reports = await train(second.engine, second.examples.slice(5));
  expect(reports[4]?.step).toBe(10);
  expect((await second.engine.readState()).lora).toEqual((await whole.engine.readState()).lora);
  for (const e of [whole, first, second]) e.engine.destroy();
});

test('two micro-steps average their gradients: the same sample twice is one step, two samples are not', async () => {
  const one = await setUp('zero-b', 'f32');
  const two = await setUp('zero-b', 'f32', 2);
  const [a, b] = one.examples as [MicroStep, MicroStep];
  const single = await one.engine.step([a]);
  const twice = await two.engine.step([a, a]);
  expect(twice.loss).toBeCloseTo(single.loss, 6);
  expect(Math.abs(twice.gradientNorm / single.gradientNorm - 1)).toBeLessThan(1e-5);
  const mixed = await two.engine.step([a, b]);
  expect(Math.abs(mixed.gradientNorm / single.gradientNorm - 1)).toBeGreaterThan(1e-2);
  // What is left over at an epoch's end: the loss is still divided by two.
  const short = await setUp('zero-b', 'f32', 2);
  const alone = await short.engine.step([a]);
  expect(alone.loss).toBeCloseTo(single.loss / 2, 6);
  expect(Math.abs((2 * alone.gradientNorm) / single.gradientNorm - 1)).toBeLessThan(1e-5);
  // A weight counts in the gradient as in the loss.
  const light = await setUp('zero-b', 'f32');
  const weighted = await light.engine.step([{ ...a, weight: 0.25 }]);
  expect(weighted.loss).toBeCloseTo(single.loss / 4, 6);
  expect(Math.abs((4 * weighted.gradientNorm) / single.gradientNorm - 1)).toBeLessThan(1e-5);
  await expect(two.engine.step([a, b, a])).rejects.toThrow(/2 micro-steps/);
  for (const { engine } of [one, two, short, light]) engine.destroy();
});

test('an overflow skips the step, halves the loss scale and leaves the adapter as it was', async () => {
  const { engine, examples } = await setUp('random-b', 'f16');
  const before = await engine.readState();
  const huge = { ...(examples[0] as MicroStep), target: (examples[0] as MicroStep).target.map((v) => v * 1e6) };
  const report = await engine.step([huge]);
  expect(report.skipped).toBe(true);
  expect(report.step).toBe(0);
  const after = await engine.readState();
  expect(after.lora).toEqual(before.lora);
  expect(after.stepState[1]).toBe((before.stepState[1] as number) / 2);
  expect((await engine.step([examples[0] as MicroStep])).skipped).toBe(false);
  const { gradients } = await engine.gradients({ ...huge, target: huge.target.map((v) => v / 1e3) });
  expect(
    [...gradients.values()].every(({ down, up }) => down.every(Number.isFinite) && up.every(Number.isFinite)),
  ).toBe(true);
  engine.destroy();
});
