// navigator.gpu in; the fast adapter, a device on it and a report of both out, or the Trouble that says why there is none.
import { Trouble } from '../trouble.ts';
import { laneOf } from './lane.ts';
import type { GpuReport } from './report.ts';
import { reportOf } from './report.ts';

export interface Gpu {
  adapter: GPUAdapter;
  device: GPUDevice;
  report: GpuReport;
}

/** More of these lets a plan use fewer, larger buffers; the defaults are enough to run. */
const WANTED = ['maxStorageBufferBindingSize', 'maxBufferSize'] as const;

/** The adapter alone, for a look before anything is asked of it. Throws Trouble 'no-webgpu', 'not-secure' or 'no-adapter'. */
export async function findAdapter(gpu: GPU | undefined = globalThis.navigator?.gpu): Promise<GPUAdapter> {
  if (!gpu && globalThis.isSecureContext === false) throw new Trouble('not-secure', { address: location.origin });
  if (!gpu) throw new Trouble('no-webgpu', {});
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new Trouble('no-adapter', {});
  return adapter;
}

/**
 * A device with the largest buffers that the adapter offers and no optional feature: one set of shaders runs everywhere. An adapter gives one
 * device only, so each call asks for an adapter of its own.
 */
export async function requestGpu(gpu?: GPU): Promise<Gpu> {
  const adapter = await findAdapter(gpu);
  const device = await adapter.requestDevice({
    requiredLimits: Object.fromEntries(WANTED.map((limit) => [limit, adapter.limits[limit]])),
  });
  laneOf(device); // its errors are heard from the first call on
  return { adapter, device, report: reportOf(adapter) };
}
