// A U-Net's config and tensors in; engines for whatever is asked, on one device, out — its weights uploaded and its kernels compiled once.
import { type Card, cardKey, chosenBy, isSoftware, kernelsOf, kernelWordsOf, rememberSpeed } from '../gpu/cards.ts';
import { createEngine } from '../gpu/create-engine.ts';
import { requestGpu } from '../gpu/device.ts';
import { type EngineOptions, enginePrograms } from '../gpu/engine-plan.ts';
import type { LoraModule, UNetEngine, WeightStorage } from '../gpu/engine-types.ts';
import { loraModules } from '../gpu/flat-lora.ts';
import { type Lane, laneOf } from '../gpu/lane.ts';
import { type OrLost, orLost } from '../gpu/lost-device.ts';
import { shadersHash } from '../gpu/made.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import type { GpuReport } from '../gpu/report.ts';
import { LEAST_DISPATCH_FLOPS, measureSpeed } from '../gpu/speed.ts';
import type { Speed } from '../gpu/stopwatch.ts';
import { type GpuWeights, uploadWeights } from '../gpu/weights.ts';
import type { KernelChoice } from '../graph/op.ts';
import type { UNetConfig } from '../model/config.ts';
import { TEXT_TOKENS } from '../model/graphs.ts';
import { ATTENTION_TARGETS, EVERY_TARGET, kernelOf } from '../model/lora.ts';
import type { Programs } from '../plan/programs.ts';
import type { OnProgress } from '../progress.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { learningRates } from '../training/learning-rate.ts';
import { passesOf } from '../training/settings.ts';
import { Trouble } from '../trouble.ts';
import type { BuildEngine, EngineSpec } from './engine-room.ts';
import { type Lend, type VaeFiles, type VaeRoom, vaeRoom } from './vae-room.ts';
import { whatFits } from './what-fits.ts';

export interface UNetFiles {
  config: UNetConfig;
  tensors: TensorSource;
  downscale: number; // px a latent pixel, each way
  sizes: readonly number[]; // px, smallest first
}
interface OnDevice {
  device: GPUDevice;
  report: GpuReport;
  kernels: KernelChoice;
  pipelines: Pipelines;
  lane: Lane;
  /** Whatever is asked of the device while an engine is made. */
  orLost: OrLost;
  /** Aborted when the device is lost: nothing more is read for it. */
  gone: AbortSignal;
  weights: { storage: WeightStorage; gpu: GpuWeights } | null;
}
export type PlannedFor = Card;
export interface UNetEngines {
  build: BuildEngine;
  /** The VAE beside them, on the same device. */
  vae(files: VaeFiles, lend: Lend): VaeRoom;
  /** Frees the weights and the device. */
  close(): void;
}

/** The engine's options for a spec; the same for planning and for building, so that a forecast is what will be. */
export function optionsOf(files: UNetFiles, spec: EngineSpec): Omit<EngineOptions, 'weights'> {
  const { rank, alpha, size, weights: weightStorage, textTokens = TEXT_TOKENS, training, targets } = spec;
  const side = size / files.downscale;
  const common = {
    config: files.config,
    height: side,
    width: side,
    textTokens,
    rank,
    alpha,
    weightStorage,
    ...(targets && { targets }),
  };
  if (!training) return { ...common, activations: 'f32', recompute: 'auto' };
  const { batch, accumulate, activations, recompute, beta1, beta2, epsilon, weightDecay, clip } = training;
  const bits = training.optimizer === 'adamw8bit' ? (8 as const) : (32 as const);
  const optimizer = { bits, learningRates: learningRates(training), beta1, beta2, epsilon, weightDecay, clip };
  return { ...common, activations, recompute, micro: batch * accumulate, passes: passesOf(training), optimizer };
}

/** The plan of an engine on a GPU like `report`: bytes, FLOPs and modules, without touching one. */
export function planOf(files: UNetFiles, spec: EngineSpec, report: PlannedFor) {
  const options = optionsOf(files, spec);
  const built = enginePrograms({ ...options, kernels: kernelsOf(report) }, report.limits.maxStorageBufferBindingSize);
  return { built, gpuBytes: built.bytes, flopsPerStep: (built.plans.train?.flops ?? 0) * (options.passes ?? 1) };
}

/** The modules that a run trains, by diffusers name, in the order in which they are initialised; they do not depend on the GPU. */
export const modulesOf = (files: UNetFiles, targets: readonly string[] = ATTENTION_TARGETS): LoraModule[] =>
  loraModules(planOf(files, { ...SMALLEST, targets, size: files.sizes[0] as number }, DEFAULT_LIMITS).built).map(
    (module) => ({ ...module, ...kernel(kernelOf(module.name, files.config)) }),
  );
/** Every module that some program's adapter may change. */
export const everyModule = (files: UNetFiles): LoraModule[] => modulesOf(files, EVERY_TARGET);
const kernel = (width: 1 | 3 | undefined) => (width ? { kernel: width } : {});

const SMALLEST = { rank: 1, alpha: 1, weights: 'f16', training: null } as const;
/** A GPU with WebGPU's default limits, and nothing known of it. */
export const DEFAULT_LIMITS: PlannedFor = {
  kind: 'unknown',
  name: '',
  limits: {
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
    maxComputeWorkgroupStorageSize: 2 ** 14,
    maxComputeInvocationsPerWorkgroup: 256,
  },
};

/** Engines on the fast GPU. After a lost device the next engine is made on a new one. */
export function unetEngines(files: UNetFiles, onProgress: OnProgress, request = requestGpu): UNetEngines {
  let here: Promise<OnDevice> | null = null;
  /** The device that `here` is of, once it is there. */
  let hereOn: GPUDevice | null = null;
  const forgetHere = (): void => {
    here = hereOn = null;
  };
  const hear = ({ done, total }: { done: number; total: number }) =>
    onProgress({ phase: 'preparing-gpu', done, total });

  /** `spec`: the first engine that is asked for; how its largest dispatch fares decides whether the card is measured. */
  async function begin(spec: EngineSpec): Promise<OnDevice> {
    const { device, report } = await request();
    hereOn = device;
    const lane = laneOf(device);
    const guard = orLost(device.lost);
    const going = new AbortController();
    void device.lost.then(() => going.abort());
    // What it computed may be wrong: the next engine gets a device of its own, and this one is left to who still holds it.
    const forget = (): void => {
      if (hereOn === device) forgetHere();
    };
    void device.lost.then(forget);
    void lane.faults.refused.then(forget);
    const pipelines = new Pipelines(device);
    const { built } = planOf(files, spec, report);
    const speed = await guard(() => lane.faults.guard(() => speedOf(pipelines, built, report)));
    if (speed) rememberSpeed(report, speed);
    if (speed) lane.pace.guess(speed.told ?? speed.atLeast);
    const kernels = kernelsOf(report);
    return { device, report, kernels, pipelines, lane, orLost: guard, gone: going.signal, weights: null };
  }

  /** The weights as they shall lie; others make room first, since both would not fit. */
  async function upload(on: OnDevice, spec: EngineSpec): Promise<GpuWeights> {
    if (on.weights?.storage === spec.weights) return on.weights.gpu;
    on.weights?.gpu.destroy();
    on.weights = null;
    await freed(on.lane);
    const { built } = planOf(files, { ...spec, rank: 0, training: null }, on.report);
    const { device, gone: signal } = on;
    const gpu = await uploadWeights(device, built.weights, files.tensors, (done, total) => hear({ done, total }), {
      signal,
    });
    on.weights = { storage: spec.weights, gpu };
    return gpu;
  }

  /** What a refusal means for the whole engine, and what would fit instead. */
  function judged(error: unknown, spec: EngineSpec, report: GpuReport): unknown {
    if (!(error instanceof Trouble && error.code === 'out-of-memory')) return error;
    const { gotBytes } = (error as Trouble<'out-of-memory'>).facts;
    const bytesOf = (other: EngineSpec) => planOf(files, other, report).gpuBytes.total;
    const fits = whatFits(spec, files.sizes, gotBytes, bytesOf);
    return new Trouble('out-of-memory', { neededBytes: bytesOf(spec), gotBytes, fits });
  }

  const onDevice = (spec: EngineSpec): Promise<OnDevice> => {
    here ??= begin(spec).catch((error: unknown) => {
      forgetHere();
      throw error;
    });
    return here;
  };

  return {
    vae: (vae, lend) => vaeRoom(vae, () => onDevice({ ...SMALLEST, size: files.sizes.at(-1) as number }), lend),
    async build(spec): Promise<UNetEngine> {
      const on = await onDevice(spec);
      const { device, report, pipelines, lane } = on;
      const card = cardKey(report);
      const words = spec.like?.card === card ? spec.like.kernels : kernelWordsOf(report);
      try {
        return await on.orLost(async () => {
          await freed(lane); // an engine that made room for this one
          const weights = await upload(on, spec);
          const kernels = chosenBy(words);
          const options = { ...optionsOf(files, spec), weights, pipelines, kernels, lane, onProgress: hear };
          const engine = await lane.faults.guard(() => createEngine(device, options));
          const browser = globalThis.navigator?.userAgent ?? '';
          if (!spec.training) return engine;
          const shaders = shadersHash(engine.built);
          return Object.assign(engine, { made: { card, browser, kernels: words, shaders } });
        });
      } catch (error) {
        throw judged(error, spec, report);
      }
    },
    close() {
      void here?.then(({ device, weights }) => {
        weights?.gpu.destroy();
        device.destroy();
      });
      forgetHere();
    },
  };
}

/** What was destroyed is free when the queue has got there, and some browsers look only at a submit. */
async function freed(lane: Lane): Promise<void> {
  lane.device.queue.submit([]);
  await lane.waits.done();
}

/**
 * Measured where some dispatch of the plan could be too long on a slow adapter, or nothing else tells what it is; null: neither. How late the
 * browser answers is measured either way: every wait of a run costs it.
 */
async function speedOf(pipelines: Pipelines, { plans }: Programs, report: PlannedFor): Promise<Speed | null> {
  const longest = Math.max(...Object.values(plans).flatMap((p) => p.dispatches.map((d) => d.launch.flops)));
  const hidden = !report.name && !isSoftware(report);
  if (longest > LEAST_DISPATCH_FLOPS || hidden) return measureSpeed(pipelines, kernelsOf(report));
  await laneOf(pipelines.device).waits.measure();
  return null;
}
