// In: this machine. Out: the path of a Chromium or Chrome, and how to start it headless with WebGPU on software.
import { join } from 'node:path';
import { findProgram } from './programs.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const PLACES = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  join(process.env.PROGRAMFILES ?? 'C:\\Program Files', 'Google\\Chrome\\Application\\chrome.exe'),
];

/** CHROMIUM names one; else the first on PATH, else the usual places. */
export const findChromium = (): string | undefined => findProgram(process.env.CHROMIUM, NAMES, PLACES);

/** Software WebGPU everywhere, so that a picture looks the same on every machine; nothing phones home. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
  '--no-first-run',
  // On software everything runs in the GPU's process: under load it would be taken for hung, ended, and every device lost.
  '--disable-gpu-watchdog',
];

export const NO_CHROMIUM =
  'No Chromium was found. Install Chromium or Google Chrome (Debian: apt-get install chromium), or name its program in the variable CHROMIUM.';
