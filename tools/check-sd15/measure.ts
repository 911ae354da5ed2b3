// A loaded model, a device and the reference's inputs in; the engine's noise prediction, loss, gradients, steps, bytes and seconds out.

import { addNoise, noiseSchedule, target } from '../../src/diffusion/noise-schedule.ts';
import type { ModelFolder } from '../../src/files/model-folder.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { createEngine } from '../../src/gpu/create-engine.ts';
import type { Engine } from '../../src/gpu/engine.ts';
import { type EngineOptions, enginePrograms, kernelsFor } from '../../src/gpu/engine-plan.ts';
import type { LoraModule, LoraWeights, MicroStep } from '../../src/gpu/engine-types.ts';
import { uploadWeights } from '../../src/gpu/weights.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import { predictGraph } from '../../src/model/graphs.ts';
import { plan } from '../../src/plan/plan.ts';
import { numel, type Tensor } from '../../src/tensor/tensor.ts';
import { countLiveBytes } from '../live-bytes.ts';
import type { Options } from './options.ts';
import type { Reference } from './prepare.ts';
import { hashWrites } from './write-digests.ts';

export interface Measured {
  parameters: number;
  adapter: { modules: number; parameters: number };
  dispatches: number; // of a step
  largestDispatch: number; // FLOPs, of any program
  bytes: { weights: number; arena: number; lora: number; staging: number; total: number; peak: number };
  flops: { forward: number; step: number };
  modules: readonly LoraModule[];
  noisePred: Float32Array;
  loss: number;
  gradients: LoraWeights;
  stepLosses: number[];
  /** What was uploaded: by name, and the sha256 of each buffer's bytes. */
  wanted: ReadonlyMap<string, Tensor>;
  sha256: Map<string, string>;
}

export const UNET = 'unet/diffusion_pytorch_model.safetensors';

/** What the reference was given, as the app makes it: noise is added by the app's own schedule. */
export async function inputsOf(model: ModelFolder, { tensors }: Reference): Promise<MicroStep> {
  const config = (await model.json('scheduler/scheduler_config.json')) as Record<string, unknown>;
  const schedule = noiseSchedule(config);
  const [latents, noise] = [await tensors.float32('latents'), await tensors.float32('noise')];
  const timestep = Number(new BigInt64Array((await tensors.bytes('timestep')).buffer)[0]);
  return {
    sample: addNoise(schedule, latents, noise, timestep),
    timestep,
    encoderHiddenStates: await tensors.float32('encoder_hidden_states'),
    target: target(schedule, latents, noise, timestep),
  };
}

export async function adapterOf(tensors: SafetensorsFile, modules: readonly LoraModule[]): Promise<LoraWeights> {
  const weights: LoraWeights = new Map();
  for (const { name } of modules) {
    const key = (part: 'down' | 'up') => `lora.unet.${name}.lora.${part}.weight`;
    weights.set(name, { down: await tensors.float32(key('down')), up: await tensors.float32(key('up')) });
  }
  return weights;
}

/** Everything on one engine: a forward, a forward and backward, then whole optimizer steps. The device is watched from here to the last step. */
export async function measure(
  device: GPUDevice,
  model: ModelFolder,
  reference: Reference,
  options: Options,
  seconds: Record<string, number>,
): Promise<Measured> {
  const tensors = await model.tensors(UNET);
  const names = new Set(tensors.keys());
  const live = countLiveBytes(device);
  const written = hashWrites(device, (label) => names.has(label));
  const phase = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - began) / 1000;
    console.log(`  ${name}: ${seconds[name]?.toFixed(1)} s`);
    return result;
  };
  const planned = await engineOptions(model, options);
  const { weights: wanted } = enginePrograms(planned, device.limits.maxStorageBufferBindingSize);
  const weights = await phase('upload', async () => {
    const up = await uploadWeights(device, wanted, tensors);
    await device.queue.onSubmittedWorkDone();
    return up;
  });
  seconds.upload = (seconds.upload as number) - written.hashMs / 1000;
  const engine = await phase('plan and kernels', () => createEngine(device, { ...planned, weights }));
  try {
    engine.writeLora(await adapterOf(reference.tensors, engine.modules));
    const inputs = await inputsOf(model, reference);
    const noisePred = await phase('predict', () => engine.predict(inputs, 1));
    const { loss, gradients } = await phase('gradients', () => engine.gradients(inputs));
    const stepLosses: number[] = [];
    for (let i = 1; i <= options.steps; i++)
      stepLosses.push((await phase(`step ${i}`, () => engine.step([inputs]))).loss);
    return {
      ...sizesOf(engine),
      bytes: { ...engine.gpuBytes, peak: live.peak },
      modules: engine.modules,
      ...{ noisePred, loss, gradients, stepLosses },
      wanted,
      sha256: written.digests(),
    };
  } finally {
    engine.destroy();
    weights.destroy();
    await device.queue.onSubmittedWorkDone();
  }
}

async function engineOptions(
  model: ModelFolder,
  { size, activations, kernels, weights }: Options,
): Promise<Omit<EngineOptions, 'weights'>> {
  return {
    config: parseUNetConfig(await model.json('unet/config.json')),
    height: size / 8,
    width: size / 8,
    rank: 4,
    alpha: 4,
    activations,
    weightStorage: weights,
    recompute: 'auto',
    kernels: kernelsFor(kernels === 'registers'),
    optimizer: {
      learningRates: new Float32Array([1e-4]),
      ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2, clip: 1 },
    },
  };
}

/** What the plan says. The forward's FLOPs are those without an adapter, as torch counts them. */
function sizesOf(engine: Engine) {
  const { built, options, modules } = engine;
  const bare = predictGraph({ ...options, batch: 1, rank: 0 });
  const target = {
    maxBindingBytes: engine.device.limits.maxStorageBufferBindingSize,
    ...(options.kernels ?? kernelsFor(false)),
  };
  const forward = plan(bare.graph, { target, lora: { offsets: new Map(), bytes: 0 } }).flops;
  const dispatches = Object.values(built.plans).flatMap((p) => p.dispatches);
  return {
    parameters: [...built.weights.values()].reduce((sum, t) => sum + numel(t.shape), 0),
    adapter: {
      modules: modules.length,
      parameters: modules.reduce((sum, m) => sum + options.rank * (m.inFeatures + m.outFeatures), 0),
    },
    dispatches: engine.dispatchesPerStep,
    largestDispatch: dispatches.reduce((most, d) => Math.max(most, d.launch.flops), 0),
    flops: { forward, step: engine.flopsPerStep },
  };
}
