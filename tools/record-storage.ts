// In: the page as it is in this checkout. Out: one file with all that it stores of a project, an ended and a paused run, and adapters; no model's files.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants } from 'node:zlib';
import { chromium, expect, type Page } from '@playwright/test';
import * as way from '../test/e2e/way.ts';
import type { Recording } from '../test/fixtures/recordings.ts';
import { dumpDatabases } from '../test/fixtures/stored-databases.ts';
import { buildIfStale, serve } from './build.ts';
import { CHROMIUM_FLAGS, findChromium } from './chromium.ts';
import { root } from './packages.mjs';
import { ensureChromium } from './system.ts';

const HELP = `node tools/run.mjs tools/record-storage.ts -- --out FILE

Goes the way through the page in headless Chromium (demo model, a few tiny steps) and writes what it stored to FILE (JSON under brotli).
To be run whenever the form of what is stored changes: test/fixtures/storage-N/ are the forms that must open for ever.`;

const { button, en, GPU_MS } = way;
const STEPS = 4;

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { out: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help || !values.out) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const missing = ensureChromium();
  if (missing) throw new Error(missing);
  await buildIfStale(console.log);
  const server = await serve({ port: 4182 });
  const executablePath = findChromium();
  const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: CHROMIUM_FLAGS });
  try {
    const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    await project(page);
    await endedRun(page);
    await fileTakenIn(page);
    await pausedRun(page);
    await page.waitForTimeout(2000); // the project is stored after a short rest
    const databases = await page.evaluate(dumpDatabases, { prefix: 'darkroom-', without: ['darkroom-models'] });
    const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' });
    const recording: Recording = { commit: stdout.trim(), at: new Date().toISOString(), databases };
    // Its widest window: the same weights lie in a run and in an adapter's moment.
    const bytes = brotliCompressSync(JSON.stringify(recording), { params: { [constants.BROTLI_PARAM_LGWIN]: 24 } });
    writeFileSync(resolve(values.out), bytes);
    for (const { name, stores } of databases)
      for (const { entries } of stores) console.log(name, entries.map(([key]) => JSON.stringify(key)).join(' '));
    console.log(`${values.out}: ${bytes.length} bytes`);
    return 0;
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Four sample photos, one of them cropped; one with a caption of its own; one left out, since it is too small. */
async function project(page: Page): Promise<void> {
  await way.toPhotos(page);
  await button(page, en.photos.sample('teddy bear', 4)).click();
  await expect(page.getByText(en.photos.inUse(4, 4), { exact: true })).toBeVisible({ timeout: GPU_MS });
  const fixture = (name: string, mimeType: string) => ({
    ...{ name, mimeType, buffer: readFileSync(join(root, 'test', 'fixtures', name)) },
  });
  const caption = {
    name: 'baseline.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('aawxbc figurine on a “blue” shelf'),
  };
  await way.drop(page, fixture('baseline.jpg', 'image/jpeg'), caption, fixture('busy.png', 'image/png'));
  await expect(page.getByText(en.photos.inUse(5, 6), { exact: true })).toBeVisible({ timeout: GPU_MS });
  await way.frame(page, '02.png').click();
  const square = page.getByRole('slider', { name: en.photos.crop, exact: true });
  for (const key of ['-', '-', 'ArrowLeft', 'ArrowDown']) await square.press(key);
  await way.toName(page, 5);
  await way.toTraining(page);
  const little = { steps: STEPS, rank: 1, alpha: 2, previewEvery: 2, previewSteps: 1, heldOutDraws: 1, keptAside: 1 };
  await way.pasteSettings(page, { ...little, learningRate: 1e-3 });
}

async function endedRun(page: Page): Promise<void> {
  await way.startTraining(page);
  await expect(way.compareLink(page)).toBeVisible({ timeout: 2 * GPU_MS });
  console.log('the first run has ended');
}

/** The run's own file, opened as somebody else's would be: an adapter without a run. */
async function fileTakenIn(page: Page): Promise<void> {
  await way.compareLink(page).click();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: /^Download/ }).click();
  const buffer = readFileSync(await (await coming).path());
  const file = { name: 'from-a-friend.safetensors', mimeType: 'application/octet-stream', buffer };
  await page.getByLabel(en.compare.openFile).setInputFiles(file);
  await expect(button(page, en.compare.deleteAdapter('from-a-friend'))).toBeVisible();
}

/** Paused after its first milestone; its previews are sketches, as where a picture takes long to decode. */
async function pausedRun(page: Page): Promise<void> {
  const measured = await setDecodeTime(page, 60_000);
  await page.goto('./#/train');
  await button(page, en.train.newRun).click();
  await way.startTraining(page);
  await expect(way.underWay(page, STEPS)).toBeVisible({ timeout: GPU_MS });
  await button(page, en.train.pause).click();
  const paused = page.getByText(/Paused at step \d/).first();
  await expect(paused).toBeVisible({ timeout: GPU_MS });
  console.log('the second run:', await paused.textContent());
  await setDecodeTime(page, measured);
}

/** What the page believes that decoding a picture takes on the card that it last did it on; returns what it believed. */
const setDecodeTime = (page: Page, believed: unknown): Promise<unknown> =>
  page.evaluate(
    (value) =>
      new Promise<unknown>((resolve, reject) => {
        const opening = indexedDB.open('darkroom-timings');
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const store = opening.result.transaction('values', 'readwrite').objectStore('values');
          let before: unknown;
          store.openCursor(IDBKeyRange.bound('decode demo ', 'decode demo \uffff')).onsuccess = (event) => {
            const cursor = (event.target as IDBRequest<IDBCursorWithValue | null>).result;
            before = cursor?.value;
            cursor?.update(value);
          };
          store.transaction.oncomplete = () => resolve(before);
          store.transaction.onabort = () => reject(store.transaction.error);
        };
      }),
    believed,
  );
