// In: a run, and a reload in the middle of it. Out: everything is still there, and the run goes on from what was saved.
import { expect, test } from '@playwright/test';
import {
  button,
  compareLink,
  en,
  GPU_MS,
  pasteSettings,
  startTraining,
  takeSamples,
  toName,
  toPhotos,
  toTraining,
} from './way.ts';

test('a reload in the middle of a run goes on with it', async ({ page }) => {
  test.setTimeout(4 * GPU_MS);
  await toPhotos(page);
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, { steps: 12, previewEvery: 4, previewSteps: 1, keptAside: 0 });
  await startTraining(page);
  const saved = page.getByLabel(en.train.facts).getByText(en.train.step(4), { exact: true });
  await expect(saved).toBeVisible({ timeout: GPU_MS });
  await page.reload();

  // By itself, since this tab was training it; else at one click.
  const goOn = button(page, en.train.resumeFrom(4));
  const step = page.getByText(/Step (5|6|7|8|9|10|11) of 12/);
  await expect(step.or(goOn).first()).toBeVisible({ timeout: GPU_MS });
  if (await goOn.isVisible()) await goOn.click();
  await expect(step.first()).toBeVisible({ timeout: GPU_MS });
  await expect(compareLink(page)).toBeVisible({ timeout: GPU_MS });
  await page.goto('./#/photos');
  await expect(page.getByText(en.photos.inUse(8, 8), { exact: true })).toBeVisible();
});
