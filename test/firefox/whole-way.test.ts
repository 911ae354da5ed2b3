// In: the built page in Firefox, with a few photos. Out: photos taken, a run that outlives a reload and a closed tab, Compare, both files; no error on the console.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenBrowser, openBrowser } from '../../tools/browser.ts';
import { buildIfStale, serve } from '../../tools/build.ts';
import { root } from '../../tools/packages.mjs';
import { textNamedPng, type Upload } from '../e2e/photos.ts';
import { named, press, says } from './hands.ts';
import * as way from './way.ts';

const STEPS = 40;
const { en } = way;
const octopus = (name: string): Upload => ({
  ...{ name, mimeType: 'image/png' },
  buffer: readFileSync(join(root, 'public', 'samples', 'octopus', name)),
});

let site: Awaited<ReturnType<typeof serve>>;
let firefox: OpenBrowser;
beforeAll(async () => {
  await buildIfStale(console.log);
  site = await serve({ port: 4186 });
  firefox = await openBrowser('firefox');
});
afterAll(async () => {
  await firefox?.close();
  await site?.close();
});

/** Over the middle of the page, as a hand does. A paste cannot be made here: Firefox takes no files from a made event, and none from a headless clipboard. */
async function drop(page: Page, ...files: Upload[]): Promise<void> {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, type: mimeType, base64: buffer.toString('base64') }));
  await page.evaluate((all) => {
    const dataTransfer = new DataTransfer();
    for (const { name, type, base64 } of all) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      dataTransfer.items.add(new File([bytes], name, { type }));
    }
    const target = document.elementFromPoint(innerWidth / 2, innerHeight / 2) ?? document.body;
    for (const kind of ['dragenter', 'dragover', 'drop'])
      target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer }));
  }, sent);
}

test('photos, a run with a reload and a closed tab in it, Compare, both downloads', async () => {
  const errors: string[] = [];
  const hear = (sentence: string) => errors.push(sentence);
  const first = await firefox.page(hear);
  await way.toPhotos(first, site.url);
  await way.pick(first, octopus('01.png'), octopus('02.png'), textNamedPng('letter.png'));
  await drop(first, octopus('03.png'), octopus('04.png'));
  await says(first, en.photos.inUse(4, 5));
  expect(await (await named(first, { begin: en.photos.frameUnreadable(3, 'letter.png') })).isVisible()).toBe(true);

  await way.toName(first, 4);
  await way.toTraining(first);
  await way.pasteSettings(first, {
    ...{ steps: STEPS, rank: 4, alpha: 4, learningRate: 1e-3, keptAside: 1 },
    ...{ heldOutDraws: 1, previewEvery: 10, previewSteps: 1 },
  });
  await press(first, en.train.start);
  const saved = await way.savedStep(first);
  await first.reload();
  // By itself, since this tab was training it.
  const reached = await way.step(first, STEPS, saved + 1);
  expect(reached).toBeLessThan(STEPS - 10);
  await first.close();

  const page = await firefox.page(hear);
  await page.goto(`${site.url}#/train`);
  await press(page, { begin: en.train.resumeFrom(0).replace(/\d+$/, '') });
  expect(await way.step(page, STEPS, saved)).toBeGreaterThan(saved);
  await way.compare(page);
  await way.makePicture(page, 4, 1);
  await press(page, en.compare.copy);
  await says(page, en.compare.copied);

  const kohya = await way.downloaded(page, firefox.downloads, 'kohya');
  expect(kohya.name).toMatch(/^aawxbc-figurine.*\.safetensors$/);
  const to = 'mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
  expect(Object.keys(kohya.header)).toContain(`lora_unet_${to}.lora_down.weight`);
  expect(JSON.stringify(kohya.metadata)).toContain('aawxbc');
  const diffusers = await way.downloaded(page, firefox.downloads, 'diffusers');
  expect(Object.keys(diffusers.header)).toContain(
    'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora.down.weight',
  );
  expect(errors).toEqual([]);
});
