// create-engine: a device, a U-Net config, weights and settings → an engine with everything reserved and compiled.
import type { TensorSource } from '../tensor/tensor-source.ts';
import { Engine } from './engine.ts';
import { type EngineOptions, enginePrograms } from './engine-plan.ts';
import { Pipelines } from './pipelines.ts';
import { type EngineBuffers, reserve } from './reserve.ts';
import { type GpuWeights, uploadWeights } from './weights.ts';

/**
 * Memory first, so that what does not fit is said before anything is compiled; weights before all else, as an upload needs some for itself.
 * @throws Trouble 'out-of-memory' when the device cannot hold what the plan needs, 'file-damaged' when a tensor is missing or mis-shaped.
 */
export async function createEngine(device: GPUDevice, options: EngineOptions): Promise<Engine> {
  const built = enginePrograms(options, device.limits.maxStorageBufferBindingSize);
  const shared = 'buffers' in options.weights;
  const weights = shared
    ? (options.weights as GpuWeights)
    : await uploadWeights(device, built.weights, options.weights as TensorSource, (done, total) =>
        options.onProgress?.({ phase: 'weights', done, total }),
      );
  let buffers: EngineBuffers | undefined;
  try {
    buffers = await reserve(device, built);
    const pipelines = options.pipelines ?? new Pipelines(device);
    const launches = Object.values(built.plans).flatMap((p) => p.dispatches.map((d) => d.launch));
    await pipelines.prepare(launches, (done, total) => options.onProgress?.({ phase: 'kernels', done, total }));
    return new Engine(device, options, built, buffers, weights, shared, pipelines);
  } catch (error) {
    buffers?.destroy();
    if (!shared) weights.destroy();
    throw error;
  }
}
