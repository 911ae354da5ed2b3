// In: a run, a photo taken out and a reload in the middle of it. Out: what was shown is still there, and the run goes on, with its own photos.
import { expect, test } from '@playwright/test';
import {
  button,
  compareLink,
  en,
  frame,
  GPU_MS,
  pasteSettings,
  startTraining,
  takeSamples,
  toName,
  toPhotos,
  toTraining,
  underWay,
} from './way.ts';

const STEPS = 400; // more than anybody waits for: the run is stopped once it has gone on

test('a reload in the middle of a run goes on with it', async ({ page }) => {
  test.setTimeout(4 * GPU_MS);
  await toPhotos(page);
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, { steps: STEPS, previewEvery: 200, previewSteps: 1, heldOutDraws: 4 });
  await startTraining(page);
  // Every 30 s the run is stored, between two of its measurements.
  const saved = page.getByLabel(en.train.facts).getByText(/^step [1-9]\d*$/);
  await expect(saved).toBeVisible({ timeout: GPU_MS });
  const step = Number((await saved.textContent())?.replace(/\D/g, ''));
  // A run is what its photos made of it: one that is taken out meanwhile is still its own.
  await page.goto('./#/photos');
  await frame(page, '01.png').click();
  await button(page, en.photos.remove).click();
  await expect(page.getByText(en.photos.inUse(7, 7), { exact: true })).toBeVisible();
  await page.waitForTimeout(1000); // it is stored
  await page.goto('./#/train');
  await page.reload();
  await expect(page.getByRole('button', { name: en.train.previewAt(0) })).toBeVisible(); // the strip's first picture

  // By itself, since this tab was training it; its history is there, and it gets further than it was.
  // The stored step may be shown for a moment before the GPU is made ready again, which hides it for as long as that takes.
  const reached = async () =>
    Number((await underWay(page, STEPS).textContent({ timeout: GPU_MS }))?.match(/Step (\d+)/)?.[1]);
  await expect(underWay(page, STEPS)).toBeVisible({ timeout: GPU_MS });
  expect(await reached()).toBeGreaterThanOrEqual(step);
  await expect.poll(reached, { timeout: GPU_MS }).toBeGreaterThan(step + 1);
  await expect(page.getByText(en.train.ownPhotos(8))).toBeVisible();
  await button(page, en.train.stopAndKeep).click();
  await expect(compareLink(page)).toBeVisible({ timeout: GPU_MS });
  await page.goto('./#/photos');
  await expect(page.getByText(en.photos.inUse(7, 7), { exact: true })).toBeVisible();
});
