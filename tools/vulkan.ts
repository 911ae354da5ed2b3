// In: this machine. Out: the Vulkan driver that stands in for a graphics card: lavapipe first (f16, fast), else the SwiftShader of Debian's Chromium.
import { existsSync } from 'node:fs';

const LAVAPIPE = [
  '/usr/share/vulkan/icd.d/lvp_icd.json',
  '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json',
  '/usr/share/vulkan/icd.d/lvp_icd.aarch64.json',
];
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** What the user names: DARKROOM_ICD, or Vulkan's own variable. */
export const namedDriver = (): string | undefined =>
  process.env.DARKROOM_ICD || process.env.VK_ICD_FILENAMES || undefined;
export const lavapipe = (): string | undefined => LAVAPIPE.find(existsSync);
export const swiftshader = (): string | undefined => [SWIFTSHADER].find(existsSync);
export const softwareDriver = (): string | undefined => lavapipe() ?? swiftshader();
