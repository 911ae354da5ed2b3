// In: public/icons/icon.svg. Out: the PNG icons that the manifest names, drawn by Chromium. Run by hand when the mark changes; the PNGs are committed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { CHROMIUM_FLAGS, findChromium, NO_CHROMIUM } from './chromium.ts';
import { root } from './packages.mjs';

const ICONS = [
  { file: 'icon-192.png', size: 192 },
  { file: 'icon-512.png', size: 512 },
  // The system cuts these to its own shape: no round corners of ours, and the mark stays inside (the inner 80 % is safe, ours is 62 % wide).
  { file: 'icon-maskable-512.png', size: 512, square: true },
  { file: 'apple-touch-icon.png', size: 180, square: true },
];

export async function main(): Promise<void> {
  const folder = join(root, 'public', 'icons');
  const svg = readFileSync(join(folder, 'icon.svg'), 'utf8');
  const executablePath = findChromium();
  if (!executablePath) throw new Error(NO_CHROMIUM);
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
  try {
    for (const { file, size, square } of ICONS) {
      const page = await browser.newPage({ viewport: { width: size, height: size } });
      const drawing = square ? svg.replace(/ rx="104"/, '') : svg;
      await page.setContent(`<style>body{margin:0}svg{display:block}</style>${drawing}`);
      await page.screenshot({ path: join(folder, file), omitBackground: true });
      await page.close();
    }
  } finally {
    await browser.close();
  }
}
