// The name of an adapter in; Dawn on it, as navigator.gpu is, or a sentence on what is missing out.
import { gpu } from '../dawn.ts';
import { ensureChromium, ensureVulkan } from '../system.ts';
import { lavapipe, swiftshader } from '../vulkan.ts';

export const ADAPTERS = ['lavapipe', 'swiftshader', 'default'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

/** Software ones are installed where that is ours to do. To be called once: a process has one Vulkan. */
export function openAdapter(name: AdapterName): { gpu: GPU } | { missing: string } {
  if (name === 'default') return { gpu: gpu(null) };
  const find = name === 'lavapipe' ? lavapipe : swiftshader;
  const missing = find() ? undefined : name === 'lavapipe' ? ensureVulkan() : ensureChromium();
  const driver = find();
  if (!driver)
    return {
      missing:
        missing ??
        (name === 'lavapipe'
          ? 'lavapipe is missing: install mesa-vulkan-drivers 25 or newer'
          : "SwiftShader's Vulkan driver is missing: Debian's chromium brings it (vk_swiftshader_icd.json)"),
    };
  process.env.VK_ICD_FILENAMES = driver;
  return { gpu: gpu(driver) };
}
