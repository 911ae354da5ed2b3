// In: a page in either browser. Out: the user's way through it, one function a screen; test/e2e/way.ts is the same for Playwright, which has no Firefox of Debian's.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElementHandle, Page } from 'puppeteer-core';
import { en } from '../../src/ui/messages.ts';
import type { TrainingSettings } from '../../src/worker/api.ts';
import type { Upload } from '../e2e/photos.ts';
import { choose, fill, GPU_MS, named, press, says, until } from './hands.ts';

export { en };

export async function toPhotos(page: Page, site: string): Promise<void> {
  await page.goto(site);
  await press(page, en.model.use);
  await says(page, en.photos.title);
}

/** Through the file dialog. */
export async function pick(page: Page, ...files: Upload[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-pick-'));
  const paths = files.map(({ name, buffer }) => {
    writeFileSync(join(folder, name), buffer);
    return join(folder, name);
  });
  const input = (await page.$('input[type=file]')) as ElementHandle<HTMLInputElement>;
  await input.uploadFile(...paths);
  // Browsers read a file when it is asked for: it stays until the page has its own copy.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

export async function toName(page: Page, photos: number): Promise<void> {
  await press(page, photos < 5 ? en.photos.nextAnyway : en.photos.next(photos));
  await says(page, en.name.title);
}

export async function toTraining(page: Page, identifier = 'aawxbc', noun = 'figurine'): Promise<void> {
  await fill(page, en.name.identifier, identifier);
  await fill(page, en.name.noun, noun);
  await press(page, en.name.next);
  await says(page, en.train.setupTitle);
}

export async function pasteSettings(page: Page, settings: Partial<TrainingSettings>): Promise<void> {
  await press(page, { begin: en.train.advanced });
  await press(page, en.train.pasteSettings);
  await fill(page, en.train.pasteLabel, JSON.stringify(settings));
  await press(page, en.train.pasteUse);
}

/** The step that the run is at, when it is past `beyond`. */
export async function step(page: Page, steps: number, beyond = 0, timeout = GPU_MS): Promise<number> {
  const line = new RegExp(`Step (\\d+) of ${steps}`, 'i');
  return until(
    `a step beyond ${beyond} of ${steps}`,
    async () => {
      const [, at] = await says(page, line, timeout);
      return Number(at) > beyond && Number(at);
    },
    timeout,
  );
}

/** The step that is stored, once one is. */
export async function savedStep(page: Page): Promise<number> {
  const [, at] = await says(page, new RegExp(`${en.train.saved}\\s+step (\\d+)`, 'i'), GPU_MS);
  return Number(at);
}

/** Waits for the end of the run, which alone offers this, and goes on from there. */
export const compare = (page: Page, timeout = GPU_MS): Promise<void> =>
  press(page, en.train.compare, { timeout, within: '//main' });

export async function makePicture(page: Page, drawingSteps: number, guidance: number, timeout = GPU_MS): Promise<void> {
  await press(page, en.compare.more);
  await fill(page, en.compare.drawingSteps, String(drawingSteps));
  await fill(page, en.compare.guidance, String(guidance));
  await press(page, en.compare.make);
  await named(page, { begin: 'Picture without the adapter' }, timeout);
  await named(page, { begin: 'Picture with the adapter' }, timeout);
}

export interface Downloaded {
  name: string;
  header: Record<string, { shape: number[] }>;
  metadata: Record<string, string>;
}
/** The adapter file that the page hands out in this layout: its name and its safetensors header. `folder`: where the browser saves it. */
export async function downloaded(page: Page, folder: string, layout: 'kohya' | 'diffusers'): Promise<Downloaded> {
  const before = new Set(readdirSync(folder));
  await choose(page, { begin: en.compare.layouts[layout].name });
  await press(page, { begin: 'Download' });
  const name = await until('a file is saved', async () => {
    const fresh = readdirSync(folder).filter((one) => !before.has(one));
    return fresh.length === 1 && fresh[0]?.endsWith('.safetensors') && fresh[0];
  });
  const bytes = await until('the file is whole', async () => wholeFile(join(folder, name)));
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...header } = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  return { name, header, metadata };
}

/** A safetensors file's bytes, when all that its header tells of are there. */
function wholeFile(path: string): Buffer | undefined {
  const bytes = readFileSync(path);
  if (bytes.length < 8) return;
  const begin = 8 + Number(bytes.readBigUInt64LE(0));
  if (bytes.length < begin) return;
  const tensors = Object.entries<{ data_offsets: [number, number] }>(
    JSON.parse(bytes.subarray(8, begin).toString('utf8')),
  );
  const end = Math.max(...tensors.flatMap(([name, { data_offsets }]) => (name === '__metadata__' ? [] : data_offsets)));
  return bytes.length >= begin + end ? bytes : undefined;
}
