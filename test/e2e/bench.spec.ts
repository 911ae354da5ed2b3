// In: a card and next to no time. Out: the bench's block of text by the real worker, without a model; a training page that is as it was.
import { expect, test } from '@playwright/test';
import { button, en, GPU_MS } from './way.ts';

test('the card is measured, and what came out can be copied', async ({ page }) => {
  test.setTimeout(2 * GPU_MS);
  await page.goto('./?bench=1#/bench'); // a millisecond: each op once
  await button(page, en.bench.start).click();
  await expect(page.getByRole('progressbar', { name: en.phases.measuring })).toBeVisible();
  await button(page, en.bench.stop).click(); // it lets go between two measurements
  await button(page, en.bench.start).click({ timeout: GPU_MS });
  const text = page.getByLabel(en.bench.text);
  await expect(text).toBeVisible({ timeout: GPU_MS });
  const said = await text.inputValue();
  expect(said).toMatch(/Adapter: .*swiftshader/i);
  expect(said).toContain('maxStorageBufferBindingSize');
  expect(said).toMatch(/conv 64×64, 320→320, forward \(\d+ of 64 rows\): \w+/);
  expect(said).toMatch(/A training step of Stable Diffusion 1\.5 at 512 px, rank 4, forecast from these: [\d.,]+ s/);
  await expect(page.getByText(/A step of Stable Diffusion 1\.5 at 512 px should take/)).toBeVisible();
  await page.getByRole('link', { name: en.bench.back }).click();
  await expect(button(page, en.model.use)).toBeVisible();
});
