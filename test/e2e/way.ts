// In: a page. Out: the user's way through it by the words on its buttons, one function a screen.
import { readFileSync } from 'node:fs';
import { expect, type Locator, type Page } from '@playwright/test';
import { en } from '../../src/ui/messages.ts';
import type { TrainingSettings } from '../../src/worker/api.ts';
import type { Upload } from './photos.ts';

export { en };

/** Software drawing is slow, and CI's machine may be busy: whatever waits for the GPU may take this long. It takes a fifth of it. */
export const GPU_MS = 240_000;

export const button = (page: Page | Locator, name: string | RegExp): Locator =>
  page.getByRole('button', { name, exact: typeof name === 'string' });

export async function toPhotos(page: Page): Promise<void> {
  await page.goto('./');
  await button(page, en.model.use).click();
  await expect(page.getByRole('heading', { name: en.photos.title })).toBeVisible();
}

export async function takeSamples(page: Page): Promise<void> {
  await button(page, en.photos.sample('octopus', 8)).click();
  await expect(page.getByText(en.photos.inUse(8, 8), { exact: true })).toBeVisible();
}

export async function drop(page: Page, ...files: Upload[]): Promise<void> {
  await page.locator('input[type=file]').first().setInputFiles(files);
}

export const frame = (page: Page, name: string): Locator =>
  page.locator('[data-frame]').filter({ has: page.locator(`xpath=self::*[contains(@aria-label, "${name}")]`) });

export async function toName(page: Page, photos: number): Promise<void> {
  await page.getByRole('button', { name: photos < 5 ? en.photos.nextAnyway : en.photos.next(photos) }).click();
  await expect(page.getByRole('heading', { name: en.name.title })).toBeVisible();
}

export async function toTraining(page: Page, identifier = 'aawxbc', noun = 'figurine'): Promise<void> {
  await page.getByLabel(en.name.identifier, { exact: true }).fill(identifier);
  await page.getByLabel(en.name.noun, { exact: true }).fill(noun);
  await button(page, en.name.next).last().click();
  await expect(page.getByRole('heading', { name: en.train.setupTitle })).toBeVisible();
}

/** Through Advanced, Paste settings: as someone would who was sent them. */
export async function pasteSettings(page: Page, settings: Partial<TrainingSettings>): Promise<void> {
  await page.getByText(en.train.advanced, { exact: true }).click();
  await button(page, en.train.pasteSettings).click();
  await page.getByLabel(en.train.pasteLabel).fill(JSON.stringify(settings));
  await button(page, en.train.pasteUse).click();
}

export async function startTraining(page: Page): Promise<void> {
  await button(page, en.train.start).click();
  await expect(page.getByRole('heading', { name: en.train.title })).toBeAttached();
}

/** Step 1 or later is on the page; its first picture of step 0 may come before. */
export const underWay = (page: Page, steps: number): Locator =>
  page.getByText(new RegExp(`Step [1-9]\\d* of ${steps}`)).first();

/** Only a run that ended offers this. */
export const compareLink = (page: Page): Locator =>
  page.getByRole('main').getByRole('link', { name: en.train.compare, exact: true });

/** `guidance` ≤ 1 asks the U-Net once a step instead of twice. */
export async function makePicture(
  page: Page,
  drawingSteps: number,
  guidance?: number,
  timeout = GPU_MS,
): Promise<void> {
  await page.getByText(en.compare.more, { exact: true }).click();
  const field = page.getByLabel(en.compare.drawingSteps);
  await field.fill(String(drawingSteps));
  await field.press('Tab');
  if (guidance !== undefined) {
    const strictness = page.getByLabel(en.compare.guidance);
    await strictness.fill(String(guidance));
    await strictness.press('Tab');
  }
  await button(page, en.compare.make).click();
  await expect(page.getByAltText(/^Picture without the adapter/).first()).toBeVisible({ timeout });
  await expect(page.getByAltText(/^Picture with the adapter/).first()).toBeVisible({ timeout });
}

export interface Downloaded {
  name: string;
  header: Record<string, { shape: number[] }>;
  metadata: Record<string, string>;
}
/** The adapter file that the page hands out in this layout: its name and its safetensors header. */
export async function downloaded(page: Page, layout: 'kohya' | 'diffusers'): Promise<Downloaded> {
  await page.getByRole('radio', { name: en.compare.layouts[layout].name }).check();
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: /^Download/ }).click();
  const download = await coming;
  const bytes = readFileSync(await download.path());
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...header } = JSON.parse(bytes.subarray(8, 8 + length).toString('utf8'));
  return { name: download.suggestedFilename(), header, metadata };
}

/** From the page's first screen to Stable Diffusion 1.5 on its way: marked, its licence accepted. */
export async function fetchStableDiffusion(page: Page): Promise<void> {
  await page.getByRole('radio', { name: /^Stable Diffusion 1\.5/ }).check();
  await button(page, /^Get the model/).click();
  await button(page, en.model.accept).click();
}
