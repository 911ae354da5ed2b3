// A WebGPU device in Node: Dawn on whatever Vulkan driver exists — lavapipe first (f16, fast), else Chromium's SwiftShader.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, globals } from 'webgpu';
import { softwareDriver } from './vulkan.ts';

let dawn: GPU | undefined; // must stay referenced

/** Dawn's navigator.gpu. DARKROOM_ICD names another Vulkan driver file. `driver`: null for those that the machine has of its own. */
export function gpu(driver: string | null = process.env.DARKROOM_ICD ?? softwareDriver() ?? null): GPU {
  if (dawn) return dawn;
  Object.assign(globalThis, globals);
  if (driver) process.env.VK_ICD_FILENAMES ??= driver;
  if (!process.env.XDG_RUNTIME_DIR) {
    const dir = join(tmpdir(), 'darkroom-xdg');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    process.env.XDG_RUNTIME_DIR = dir;
  }
  dawn = create([]);
  return dawn;
}

/** A device with WebGPU's default limits and no optional feature: what we promise to run on. Throws where no adapter exists. */
export async function testDevice(): Promise<GPUDevice> {
  const adapter = await gpu().requestAdapter();
  if (!adapter)
    throw new Error(
      'no WebGPU adapter: npm test installs a software one (mesa-vulkan-drivers from bookworm-backports, or chromium)',
    );
  const device = await adapter.requestDevice();
  device.addEventListener('uncapturederror', (e) => {
    throw new Error(`WebGPU: ${(e as GPUUncapturedErrorEvent).error.message}`);
  });
  return device;
}
