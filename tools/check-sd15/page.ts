// The check's options in; the same checkpoint on the page itself — fetched, kept, trained, drawn, taken home, in Chromium — with every number's bar out.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, expect, type Page } from '@playwright/test';
import { picture } from '../../test/e2e/photos.ts';
import * as way from '../../test/e2e/way.ts';
import { buildIfStale, serve as servePage } from '../build.ts';
import { CHROMIUM_FLAGS, findChromium } from '../chromium.ts';
import { ensureChromium } from '../system.ts';
import { peakWhile } from './browser-memory.ts';
import type { Options } from './options.ts';
import { checkpoint } from './prepare.ts';
import { type Row, row } from './row.ts';
import { serve } from './serve.ts';
import { storedToGpu } from './stored-to-gpu.ts';

const PORT = 4181;
/** Software drawing takes minutes for what a card does in a second: at full size a step is about 560 GFLOP at 256². */
const PATIENCE_MS = 3 * 3600 * 1000;
const { en } = way;

export async function pageCheck(options: Options): Promise<{ rows: Row[]; report: object }> {
  const missing = ensureChromium();
  if (missing) throw new Error(missing);
  const folder = await checkpoint(options, 'diffusers');
  await buildIfStale(console.log);
  const files = await serve(folder);
  const profile = mkdtempSync(join(tmpdir(), 'darkroom-check-'));
  const seconds: Record<string, number> = {};
  const open = async (): Promise<BrowserContext> => {
    const executablePath = findChromium();
    const context = await chromium.launchPersistentContext(profile, {
      ...(executablePath ? { executablePath } : {}),
      args: CHROMIUM_FLAGS,
      viewport: { width: 1280, height: 800 },
    });
    context.setDefaultTimeout(60_000);
    return context;
  };
  try {
    const site = await servePage({ port: PORT, strictPort: true, mirror: files.url });
    const rows: Row[] = [];
    try {
      const context = await open();
      rows.push(...(await wholeWay(context, site.url, new URL('mirror/', site.url), profile, options, seconds)));
      await context.close();
    } finally {
      await site.close();
    }
    rows.push(...(await storedToGpu({ ...options, open, profile, port: PORT, folder }, seconds)));
    return { rows, report: { options, seconds } };
  } finally {
    files.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** As a person goes: the model, two photos, a name, two steps, a picture with and without, both files. With no steps: the model alone. */
async function wholeWay(
  context: BrowserContext,
  site: string,
  mirror: URL,
  profile: string,
  options: Options,
  seconds: Record<string, number>,
): Promise<Row[]> {
  const page = await context.newPage();
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(error.message));
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  const phase = phaseOf(seconds);

  await page.goto(`${site}?mirror=${encodeURIComponent(mirror.href)}`);
  await expect(page.getByRole('radio', { name: /^Stable Diffusion 1\.5/ })).toBeVisible();
  const idle = await peakWhile(profile, () => page.waitForTimeout(5000));
  const fetched = await phase('download', () => peakWhile(profile, () => theModel(page)));
  const rows = [row('MB above idle while fetching and storing', (fetched.peakBytes - idle.peakBytes) / 1e6, '≤', 500)];
  if (options.steps > 0) rows.push(...(await trainedAndTaken(page, options, phase)));
  // The next page at this address is another one: the page's service worker would answer with the page itself.
  await page.evaluate(async () => {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  });
  for (const sentence of said) console.error(`page: ${sentence}`);
  return [row('errors on the page', said.length, '=', 0), ...rows];
}

async function trainedAndTaken(page: Page, options: Options, phase: ReturnType<typeof phaseOf>): Promise<Row[]> {
  const { size, activations, weights, steps, narrow } = options;
  await page.getByRole('link', { name: en.model.next }).click();
  await way.drop(page, await picture(page, 'one.jpg', 640, 640), await picture(page, 'two.jpg', 700, 600));
  await way.toName(page, 2);
  await way.toTraining(page);
  await way.pasteSettings(page, {
    ...{ steps, resolution: size, activations, weights, rank: 4, alpha: 4, learningRate: 1e-4 },
    ...{ keptAside: 1, heldOutDraws: 1, previewEvery: 0, previewSteps: 1 },
  });
  await phase('train', async () => {
    await way.startTraining(page);
    await expect(way.underWay(page, steps)).toBeVisible({ timeout: PATIENCE_MS });
    await expect(way.compareLink(page)).toBeVisible({ timeout: PATIENCE_MS });
  });
  await way.compareLink(page).click();
  await phase('two pictures', () => way.makePicture(page, 2, 1, PATIENCE_MS));
  return [
    ...fileRows('kohya', '.lora_down.weight', await way.downloaded(page, 'kohya'), narrow),
    ...fileRows('diffusers', '.lora.down.weight', await way.downloaded(page, 'diffusers'), narrow),
  ];
}

/** An adapter's modules and parameters, by its file's header. */
function fileRows(layout: string, ending: string, { header }: way.Downloaded, narrow: boolean): Row[] {
  const tensors = Object.entries(header);
  const modules = tensors.filter(([name]) => name.endsWith(ending)).length;
  const parameters = tensors
    .filter(([name]) => !name.endsWith('.alpha'))
    .reduce((sum, [, { shape }]) => sum + shape.reduce((n, d) => n * d, 1), 0);
  const what = `parameters in the ${layout} file`;
  return [
    row(`modules in the ${layout} file`, modules, '=', 128),
    narrow ? row(what, parameters) : row(what, parameters, '=', 797_184),
  ];
}

async function theModel(page: Page): Promise<void> {
  await way.fetchStableDiffusion(page);
  await expect(page.getByRole('link', { name: en.model.next })).toBeVisible();
  await expect(page.getByText(en.model.ready('Stable Diffusion 1.5')).first()).toBeVisible({ timeout: PATIENCE_MS });
}

const phaseOf =
  (seconds: Record<string, number>) =>
  async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const answer = await work();
    seconds[name] = (performance.now() - began) / 1000;
    console.log(`  ${name}: ${seconds[name]?.toFixed(1)} s`);
    return answer;
  };
