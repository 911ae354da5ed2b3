// The check's options in; the same checkpoint on the page itself — fetched, kept, trained, drawn, taken home, in either browser — with every number's bar out.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { picture } from '../../test/e2e/photos.ts';
import { choose, press, says } from '../../test/firefox/hands.ts';
import * as way from '../../test/firefox/way.ts';
import { type BrowserName, chooseBrowser, type OpenBrowser, openBrowser } from '../browser.ts';
import { buildIfStale, serve as servePage } from '../build.ts';
import { peakWhile } from './browser-memory.ts';
import type { Options } from './options.ts';
import { checkpoint } from './prepare.ts';
import { type Row, row } from './row.ts';
import { serve } from './serve.ts';
import { storedToGpu } from './stored-to-gpu.ts';

const PORT = 4181;
/** Software drawing takes minutes for what a card does in a second: at full size a step is about 560 GFLOP at 256². */
const PATIENCE_MS = 3 * 3600 * 1000;
/** Firefox computes WebGPU in its own first process, so that the model's bytes on the software GPU would be counted as the page's. */
const MOST_MB: Record<BrowserName, number | undefined> = { chromium: 500, firefox: undefined };
const { en } = way;

export async function pageCheck(options: Options): Promise<{ rows: Row[]; report: object }> {
  const choice = chooseBrowser(options.browser);
  if ('missing' in choice) throw new Error(choice.missing);
  const folder = await checkpoint(options, 'diffusers');
  await buildIfStale(console.log);
  const files = await serve(folder);
  const profile = mkdtempSync(join(tmpdir(), 'darkroom-check-'));
  const seconds: Record<string, number> = {};
  const open = () => openBrowser(choice.name, profile);
  try {
    const site = await servePage({ port: PORT, strictPort: true, mirror: files.url });
    const rows: Row[] = [];
    try {
      const browser = await open();
      rows.push(...(await wholeWay(browser, site.url, new URL('mirror/', site.url), options, seconds)));
      await browser.close();
    } finally {
      await site.close();
    }
    const mostMB = MOST_MB[choice.name];
    rows.push(...(await storedToGpu({ ...options, open, mostMB, port: PORT, folder }, seconds)));
    return { rows, report: { options, browser: choice.name, seconds } };
  } finally {
    files.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

/** As a person goes: the model, two photos, a name, two steps, a picture with and without, both files. With no steps: the model alone. */
async function wholeWay(
  { browser, name, profile, page: newPage, downloads }: OpenBrowser,
  site: string,
  mirror: URL,
  options: Options,
  seconds: Record<string, number>,
): Promise<Row[]> {
  const said: string[] = [];
  const page = await newPage((sentence) => said.push(sentence));
  const phase = phaseOf(seconds);

  await page.goto(`${site}?mirror=${encodeURIComponent(mirror.href)}`);
  await says(page, 'Stable Diffusion 1.5');
  const idle = await peakWhile(profile, () => new Promise((resolve) => setTimeout(resolve, 5000)));
  const fetched = await phase('download', () => peakWhile(profile, () => theModel(page)));
  const megabytes = (fetched.peakBytes - idle.peakBytes) / 1e6;
  const rows = [row('MB above idle while fetching and storing', megabytes, '≤', MOST_MB[name])];
  if (options.steps > 0) rows.push(...(await trainedAndTaken(page, downloads, options, phase)));
  // The next page at this address is another one: the page's service worker would answer with the page itself.
  await page.evaluate(async () => {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  });
  for (const sentence of said) console.error(`page: ${sentence}`);
  console.log(`  in ${name} ${await browser.version()}`);
  return [row('errors on the page', said.length, '=', 0), ...rows];
}

async function trainedAndTaken(
  page: Page,
  downloads: string,
  options: Options,
  phase: ReturnType<typeof phaseOf>,
): Promise<Row[]> {
  const { size, activations, weights, steps, narrow } = options;
  await press(page, en.model.next);
  await way.pick(page, await picture(page, 'one.jpg', 640, 640), await picture(page, 'two.jpg', 700, 600));
  await way.toName(page, 2);
  await way.toTraining(page);
  await way.pasteSettings(page, {
    ...{ steps, resolution: size, activations, weights, rank: 4, alpha: 4, learningRate: 1e-4 },
    ...{ keptAside: 1, heldOutDraws: 1, previewEvery: 0, previewSteps: 1 },
  });
  await phase('train', async () => {
    await press(page, en.train.start);
    await way.step(page, steps, 0, PATIENCE_MS);
    await way.compare(page, PATIENCE_MS);
  });
  await phase('two pictures', () => way.makePicture(page, 2, 1, PATIENCE_MS));
  return [
    ...fileRows('kohya', '.lora_down.weight', await way.downloaded(page, downloads, 'kohya'), narrow),
    ...fileRows('diffusers', '.lora.down.weight', await way.downloaded(page, downloads, 'diffusers'), narrow),
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
  await choose(page, { begin: 'Stable Diffusion 1.5' });
  await press(page, { begin: 'Get the model' });
  await press(page, en.model.accept);
  await says(page, en.model.ready('Stable Diffusion 1.5'), PATIENCE_MS);
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
