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

/** There may be no adapter for a moment, while the GPU's process starts: asked again so many ms after the first time, before anyone is told. */
const AGAIN_MS = [300, 1000, 3000];
/** Those that have given an adapter: where they give none later, it is not for their settings. */
const answered = new WeakSet<GPU>();

/** The adapter alone, for a look before anything is asked of it. Throws Trouble 'no-webgpu', 'not-secure', 'no-adapter' or 'graphics-held'. */
export const findAdapter = (gpu?: GPU): Promise<GPUAdapter> => withAdapter(gpu, async (adapter) => adapter);

/** What `use` makes of the adapter; null: it was of no use, and is asked for again. */
async function withAdapter<T>(
  gpu: GPU | undefined = globalThis.navigator?.gpu,
  use: (adapter: GPUAdapter) => Promise<T | null>,
): Promise<T> {
  if (!gpu && globalThis.isSecureContext === false) throw new Trouble('not-secure', { address: location.origin });
  if (!gpu) throw new Trouble('no-webgpu', {});
  const begun = performance.now();
  for (const ms of [0, ...AGAIN_MS]) {
    const wait = begun + ms - performance.now();
    if (wait > 0) await new Promise((wake) => setTimeout(wake, wait));
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    const used = adapter && (await use(adapter));
    if (adapter) answered.add(gpu);
    if (used) return used;
  }
  throw new Trouble(answered.has(gpu) ? 'graphics-held' : 'no-adapter', {});
}

/**
 * A device with the largest buffers that the adapter offers and no optional feature: one set of shaders runs everywhere. An adapter gives one
 * device only, so each call asks for an adapter of its own.
 */
export const requestGpu = (gpu?: GPU): Promise<Gpu> =>
  withAdapter(gpu, async (adapter) => {
    const requiredLimits = Object.fromEntries(WANTED.map((limit) => [limit, adapter.limits[limit]]));
    const device = await adapter.requestDevice({ requiredLimits }).catch((error: unknown) => {
      if (error instanceof DOMException) return null; // its process has just gone
      throw error;
    });
    if (!device) return null;
    laneOf(device); // its errors are heard from the first call on
    return { adapter, device, report: reportOf(adapter) };
  });
