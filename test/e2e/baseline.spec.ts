// In: photos and a name. Out: what the untouched model draws of it, by the real worker; going on to training never waits for it.
import { expect, test } from '@playwright/test';
import { button, en, GPU_MS, takeSamples, toName, toPhotos, toTraining } from './way.ts';

test('the untouched model is drawn on request, and training does not wait for it', async ({ page }) => {
  test.setTimeout(2 * GPU_MS);
  await toPhotos(page);
  await takeSamples(page);
  await toName(page, 8);
  await page.getByLabel(en.name.noun, { exact: true }).fill('figurine');
  await button(page, en.name.draw).click();
  const first = page.getByAltText(/^Picture, seed \d+: a photo of (a )?figurine/).first();
  await expect(first).toBeVisible({ timeout: GPU_MS });
  await page.waitForTimeout(1000); // it is stored
  await page.reload();
  await expect(first).toBeVisible(); // and nothing was drawn for it: this card draws only when asked
  await toTraining(page); // three cells are still to come
});
