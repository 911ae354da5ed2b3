// In: model files that arrive damaged or not at all. Out: the file is named, with what was expected; what the user added stays; trying again works.
import { expect, test } from '@playwright/test';
import { button, en, toPhotos } from './way.ts';

test.use({ serviceWorkers: 'block' });
const UNET = 'unet/diffusion_pytorch_model.safetensors';

test('a damaged model file is named, the photos stay, and fetching it again works', async ({ page }) => {
  const pattern = `**/models/demo/${UNET}`;
  await page.route(pattern, async (route) => {
    const response = await route.fetch();
    const bytes = await response.body();
    await route.fulfill({ response, body: bytes.fill(0, Math.floor(bytes.length / 2)) }); // the length is right, the bytes are not
  });
  await toPhotos(page);
  await expect(page.getByText(/diffusion_pytorch_model\.safetensors.* is damaged\./)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/^Expected .+, found .+ Nothing else is affected\.$/)).toBeVisible();
  // Photos are read once the model says how large they must be; what was dropped waits for it.
  await button(page, en.photos.sample('octopus', 8)).click();
  await expect(page.locator('[data-frame]')).toHaveCount(8);

  await page.unroute(pattern);
  await button(page, 'Fetch again').click();
  await page.goto('./#/model');
  await expect(page.getByText(/is here\.$/)).toBeVisible({ timeout: 60_000 });
  await page.goto('./#/photos');
  await expect(page.getByText(en.photos.inUse(8, 8), { exact: true })).toBeVisible();
});

test('a missing model file is named with what the server answered', async ({ page }) => {
  await page.route('**/models/demo/vae/config.json', (route) => route.fulfill({ status: 404, body: '' }));
  await toPhotos(page);
  await expect(page.getByText(/vae\/config\.json.* could not be fetched\./)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('The server answered 404.')).toBeVisible();
});
