// In: an adapter file (demo-output/adapter.safetensors). Out: docs/compare.png, the README's picture: the page itself, with pictures it drew just now.
import { resolve } from 'node:path';
import { chromium } from '@playwright/test';
import { en } from '../src/ui/messages.ts';
import { buildIfStale, serve } from './build.ts';
import { CHROMIUM_FLAGS, findChromium, NO_CHROMIUM } from './chromium.ts';
import { root } from './packages.mjs';

export async function main([adapter = 'demo-output/adapter.safetensors']: string[]): Promise<void> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error(NO_CHROMIUM);
  await buildIfStale(console.log);
  const server = await serve({ port: 4183 });
  const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 860 }, colorScheme: 'dark' });
    page.setDefaultTimeout(600_000); // a picture is sixty predictions
    await page.goto(server.url);
    await page.getByRole('button', { name: en.model.use }).click();
    await page.goto(`${server.url}#/model`);
    await page.getByText(/is here\.$/).waitFor();
    await page.goto(`${server.url}#/compare`);
    await page.locator('input[type=file]').setInputFiles(resolve(root, adapter));
    await page.getByRole('button', { name: en.compare.make }).click();
    await page.getByAltText(/^Picture with the adapter/).waitFor();
    const strip = page.getByRole('button', { name: en.compare.drawStrip });
    if (await strip.isVisible()) await strip.click();
    // The lamp is off again when the strip is drawn.
    await page.waitForTimeout(5000);
    await page.getByRole('button', { name: en.compare.make }).waitFor();
    await page.waitForTimeout(2000);
    await page.screenshot({ path: resolve(root, 'docs', 'compare.png') });
  } finally {
    await browser.close();
    await server.close();
  }
}
