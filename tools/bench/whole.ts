// The demo model in; a whole training step of it and its VAE's two halves, checked against diffusers' numbers and timed as a run does them, out.
import { readFile } from 'node:fs/promises';
import { readAdapter } from '../../src/adapter/read.ts';
import type { Row } from '../../src/bench/report.ts';
import { alternate } from '../../src/bench/rounds.ts';
import { normals } from '../../src/diffusion/random.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import type { Replays } from '../../src/gpu/replays.ts';
import { Vae } from '../../src/gpu/vae.ts';
import { readVaeConfig } from '../../src/model/vae-config.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { openSafetensors, openUNet, timestepsOf } from '../golden-folder.ts';
import { relativeL2 } from '../golden-run.ts';
import { type Bench, OURS } from './compare.ts';

const DEMO = 'public/models/demo';
const GOLDEN = 'test/golden/training/random-b';
const SIDE = 16; // of the demo model's latents at its 128 px
/** On a loss, as the training goldens' test has it. */
const LOSS_BAR = 1e-4;

export interface Whole {
  rows: Row[];
  /** The step's plans, for a forecast of what was measured. */
  plans: Plan[];
}

/** One optimizer step of the demo model at 128 px: forward, backward and update, with what a run writes and reads. */
export async function demoStep({ pipelines, kernels, rounds, emptyMs }: Bench): Promise<Whole> {
  const settings = JSON.parse(await readFile(`${GOLDEN}/settings.json`, 'utf8')) as Record<string, number>;
  const given = (name: string): number => settings[name] as number;
  const optimizer = {
    learningRates: new Float32Array(1).fill(given('learning_rate')),
    ...{ beta1: given('beta1'), beta2: given('beta2'), epsilon: given('epsilon') },
    ...{ weightDecay: given('weight_decay'), clip: given('clip') },
  };
  const options = {
    ...(await openUNet(`${DEMO}/unet`)),
    ...{ height: SIDE, width: SIDE, rank: given('rank'), alpha: given('rank') },
    ...{ activations: 'f32' as const, recompute: 'off' as const, kernels, optimizer },
  };
  const inputs = await openSafetensors(`${GOLDEN}/inputs.safetensors`);
  const first = async (name: string): Promise<Float32Array> => {
    const all = await inputs.float32(name);
    return all.slice(0, all.length / given('steps'));
  };
  const micro = {
    ...{ sample: await first('sample'), target: await first('target') },
    encoderHiddenStates: await first('encoder_hidden_states'),
    timestep: (await timestepsOf(inputs, 'timestep'))[0] as number,
  };
  const engine: Engine = await createEngine(pipelines.device, { ...options, pipelines });
  try {
    engine.writeLora((await readAdapter(await openSafetensors(`${GOLDEN}/lora.safetensors`), engine.modules)).weights);
    const { loss } = await engine.step([micro]);
    const expected = (await (await openSafetensors(`${GOLDEN}/expected.safetensors`)).float32('losses'))[0] as number;
    const row = {
      name: `step of the demo model, ${8 * SIDE} px, rank ${given('rank')}`,
      ...{ work: engine.flopsPerStep, unit: 'FLOP' as const, candidate: OURS },
    };
    const { plans } = enginePrograms(options, pipelines.device.limits.maxStorageBufferBindingSize);
    const stepPlans = [plans.train as Plan, plans.update as Plan];
    if (!(Math.abs(loss / expected - 1) <= LOSS_BAR))
      return {
        rows: [{ ...row, figure: null, note: `wrong: loss ${loss}, diffusers and peft have ${expected}` }],
        plans: stepPlans,
      };
    const time = waiting(() => engine.step([micro]));
    const figures = await alternate([{ name: row.name, time, emptyMs }], rounds);
    return { rows: [{ ...row, figure: figures.get(row.name) ?? null }], plans: stepPlans };
  } finally {
    engine.destroy();
  }
}

/** A photo encoded and a picture decoded by the demo model's VAE, pixels in and out; weights are on the card. */
export async function vae({ pipelines, kernels, rounds, emptyMs }: Bench, size: number): Promise<Row[]> {
  const config = readVaeConfig(JSON.parse(await readFile(`${DEMO}/vae/config.json`, 'utf8')));
  const tensors = await openSafetensors(`${DEMO}/vae/diffusion_pytorch_model.safetensors`);
  const room = new Vae({ config, tensors, pipelines, lane: laneOf(pipelines.device), kernels });
  const golden = await openSafetensors('test/golden/encoders.safetensors');
  const problem = await wrongVae(room, (key) => golden.float32(`vae.square.${key}`));
  const side = size / room.downscale;
  const pixels = normals({ seed: 1, purpose: 'noise' }, 3 * size * size);
  const latents = normals({ seed: 2, purpose: 'noise' }, config.latentChannels * side * side);
  const rows: Row[] = [];
  for (const half of ['encode', 'decode'] as const) {
    const name = `demo VAE, ${half} ${size} px`;
    const work = Object.values(room.plan(half, side, side).built.plans).reduce((sum, { flops }) => sum + flops, 0);
    const row = { name, work, unit: 'FLOP' as const, candidate: OURS };
    if (problem) {
      rows.push({ ...row, figure: null, note: `wrong: ${problem}` });
      continue;
    }
    const time = waiting(async () => {
      if (half === 'encode') await room.encode(pixels, size, size);
      else await room.decode(latents, side, side);
    });
    rows.push({ ...row, figure: (await alternate([{ name, time, emptyMs }], rounds)).get(name) ?? null });
  }
  await room.rest();
  return rows;
}

/** diffusers' numbers for a picture of 128 px, with the bar of the VAE's own test. */
async function wrongVae(room: Vae, of: (key: string) => Promise<Float32Array>): Promise<string | null> {
  const { mean } = await room.encode(await of('pixels'), 128, 128);
  const { pixels } = await room.decode(await of('latents'), 128 / room.downscale, 128 / room.downscale);
  for (const [name, got] of [
    ['mean', mean],
    ['decoded', pixels],
  ] as const) {
    const want = await of(name);
    const error = relativeL2(got, want);
    if (!(error <= 5e-3)) return `${name}: rel. L2 ${error.toExponential(1)} from diffusers`;
  }
  return null;
}
/** One after another, each waited for: what a run does. */
const waiting =
  (work: () => Promise<unknown>): Replays =>
  async (n) => {
    const begun = performance.now();
    for (let i = 0; i < n; i++) await work();
    return { begun, ended: performance.now() };
  };
