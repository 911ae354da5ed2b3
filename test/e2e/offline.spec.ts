// In: one visit in which the demo model was opened; then no server any more. Out: the whole way all the same.
import { expect, test } from '@playwright/test';
import { serve } from '../../tools/build.ts';
import {
  button,
  compareLink,
  en,
  GPU_MS,
  makePicture,
  pasteSettings,
  startTraining,
  takeSamples,
  toName,
  toTraining,
} from './way.ts';

test('after one visit the whole way works with the server gone', async ({ browser }) => {
  test.setTimeout(4 * GPU_MS);
  const server = await serve({ port: 4181 });
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  try {
    await page.goto('./');
    await button(page, en.model.use).click();
    await page.goto('./#/model');
    await expect(page.getByText(/is here\.$/)).toBeVisible({ timeout: GPU_MS });
    await page.evaluate(() => navigator.serviceWorker.ready);
    // The worker is active once everything is in its cache.
    const kept = await page.evaluate(async () => {
      const names = await caches.keys();
      const lists = await Promise.all(
        names.map(async (name) => (await (await caches.open(name)).keys()).map((r) => r.url)),
      );
      return lists.flat();
    });
    expect(kept.filter((url) => url.includes('.wasm'))).toHaveLength(2); // onnxruntime's and libheif's
    expect(kept.filter((url) => url.includes('/samples/octopus/'))).toHaveLength(8);
    expect(kept.filter((url) => url.includes('/models/'))).toEqual([]);
  } finally {
    await server.close();
  }
  await expect(fetch(server.url)).rejects.toThrow(); // it is really gone

  await page.reload();
  await page.goto('./#/photos');
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, { steps: 3, previewEvery: 0, previewSteps: 1, heldOutDraws: 2 });
  await startTraining(page);
  await compareLink(page).click({ timeout: GPU_MS });
  await makePicture(page, 2);
  await context.close();
});
