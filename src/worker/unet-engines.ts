// A U-Net's config and tensors in; engines for whatever is asked, on one device, out — its weights uploaded and its kernels compiled once.
import { requestGpu } from '../gpu/device.ts';
import { createEngine } from '../gpu/engine.ts';
import { type EngineOptions, enginePrograms, kernelsFor } from '../gpu/engine-plan.ts';
import type { LoraModule, UNetEngine } from '../gpu/engine-types.ts';
import { loraModules } from '../gpu/flat-lora.ts';
import { Pipelines } from '../gpu/pipelines.ts';
import { type GpuWeights, uploadWeights } from '../gpu/weights.ts';
import type { UNetConfig } from '../model/config.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { learningRates } from '../training/learning-rate.ts';
import type { GpuReport, OnProgress } from './api.ts';
import type { BuildEngine, EngineSpec } from './engine-room.ts';

export interface UNetFiles {
  config: UNetConfig;
  tensors: TensorSource;
  latentHeight: number;
  latentWidth: number;
}
interface OnDevice {
  device: GPUDevice;
  report: GpuReport;
  pipelines: Pipelines;
  weights: GpuWeights;
}
export interface UNetEngines {
  build: BuildEngine;
  /** Frees the weights and the device. */
  close(): void;
}

/** The engine's options for a spec; the same for planning and for building, so that a forecast is what will be. */
export function optionsOf(files: UNetFiles, { rank, alpha, training }: EngineSpec): Omit<EngineOptions, 'weights'> {
  const common = { config: files.config, height: files.latentHeight, width: files.latentWidth, rank, alpha };
  if (!training) return { ...common, activations: 'f32', recompute: 'auto' };
  const { batch, accumulate, activations, recompute, beta1, beta2, epsilon, weightDecay, clip } = training;
  const optimizer = { learningRates: learningRates(training), beta1, beta2, epsilon, weightDecay, clip };
  return { ...common, activations, recompute, micro: batch * accumulate, optimizer };
}

/** The plan of a run on a GPU like `report`: bytes, FLOPs and modules, without touching one. */
export function planOf(files: UNetFiles, spec: EngineSpec, report: Pick<GpuReport, 'kind' | 'limits'>) {
  const options = optionsOf(files, spec);
  const micro = options.micro ?? 1;
  const built = enginePrograms({ ...options, kernels: kernelsOf(report) }, report.limits.maxStorageBufferBindingSize);
  return { built, gpuBytes: built.bytes, flopsPerStep: (built.plans.train?.flops ?? 0) * micro };
}

/** The modules that an adapter changes, by diffusers name, in the order in which they are initialised. */
export const modulesOf = (files: UNetFiles): LoraModule[] =>
  loraModules(planOf(files, { rank: 1, alpha: 1, training: null }, ANY_GPU).built);

/** WebGPU's default limits: modules do not depend on them. */
const ANY_GPU: Pick<GpuReport, 'kind' | 'limits'> = {
  kind: 'unknown',
  limits: {
    maxStorageBufferBindingSize: 2 ** 27,
    maxBufferSize: 2 ** 28,
    maxComputeWorkgroupStorageSize: 2 ** 14,
    maxComputeInvocationsPerWorkgroup: 256,
  },
};

const kernelsOf = ({ kind }: Pick<GpuReport, 'kind'>) => kernelsFor(kind === 'software');

/** Engines on the fast GPU. After a lost device the next engine is made on a new one. */
export function unetEngines(files: UNetFiles, onProgress: OnProgress, request = requestGpu): UNetEngines {
  let here: Promise<OnDevice> | null = null;

  async function begin(): Promise<OnDevice> {
    const { device, report } = await request();
    void device.lost.then(() => {
      here = null;
    });
    const { built } = planOf(files, { rank: 0, alpha: 1, training: null }, report);
    const weights = await uploadWeights(device, built.weights, files.tensors, progressOf(onProgress));
    return { device, report, pipelines: new Pipelines(device), weights };
  }
  return {
    async build(spec): Promise<UNetEngine> {
      here ??= begin().catch((error: unknown) => {
        here = null;
        throw error;
      });
      const { device, report, pipelines, weights } = await here;
      return createEngine(device, {
        ...optionsOf(files, spec),
        weights,
        pipelines,
        kernels: kernelsOf(report),
        onProgress: ({ done, total }) => onProgress({ phase: 'preparing-gpu', done, total }),
      });
    },
    close() {
      void here?.then(({ device, weights }) => {
        weights.destroy();
        device.destroy();
      });
      here = null;
    },
  };
}

const progressOf = (onProgress: OnProgress) => (done: number, total: number) =>
  onProgress({ phase: 'preparing-gpu', done, total });
