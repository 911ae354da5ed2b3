// In: this machine. Out: the path of a Firefox, and what it needs to have WebGPU on software: its second engine (naga, wgpu) beside Chromium's.
import { join } from 'node:path';
import { findProgram } from './programs.ts';
import { lavapipe, namedDriver } from './vulkan.ts';

/** FIREFOX names one; else the first on PATH, else the usual places. */
export const findFirefox = (): string | undefined =>
  findProgram(
    process.env.FIREFOX,
    ['firefox-esr', 'firefox'],
    [
      '/Applications/Firefox.app/Contents/MacOS/firefox',
      join(process.env.PROGRAMFILES ?? 'C:\\Program Files', 'Mozilla Firefox\\firefox.exe'),
    ],
  );

/** Stable Firefox has WebGPU on Linux behind these; its list of good cards has no software on it. */
export const FIREFOX_PREFS = {
  'dom.webgpu.enabled': true,
  'dom.webgpu.workers.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
};

/** Saves what is downloaded in a folder, without a question. */
export const downloadsTo = (folder: string) => ({
  'browser.download.folderList': 2, // the one that is named
  'browser.download.dir': folder,
  'browser.download.useDownloadDir': true,
});

/** The environment in which it finds the software driver, and no card. */
export function firefoxEnvironment(): Record<string, string | undefined> {
  const driver = namedDriver() ?? lavapipe();
  return { ...process.env, ...(driver && { VK_ICD_FILENAMES: driver }) };
}

export const NO_FIREFOX =
  'No Firefox was found. Install Firefox 141 or newer (Debian: apt-get install firefox-esr), or name its program in the variable FIREFOX.';
