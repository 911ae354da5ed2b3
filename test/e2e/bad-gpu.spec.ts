// In: a browser whose worker has no WebGPU, no adapter, or loses its GPU. Out: the sentence for each; nothing lost, and the run goes on where it can.
import { expect, type Page, test } from '@playwright/test';
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
  underWay,
} from './way.ts';

// The service worker would answer for the scripts before a test can change them.
test.use({ serviceWorkers: 'block' });

/** Runs `line` before anything else in the studio's worker: init scripts do not reach workers. */
async function firstInWorker(page: Page, line: string): Promise<void> {
  await page.route(/\/studio\.worker-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${line};\n${await response.text()}` });
  });
}

test('no WebGPU', async ({ page }) => {
  await firstInWorker(page, "Object.defineProperty(WorkerNavigator.prototype, 'gpu', { get: () => undefined })");
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { get: () => undefined }));
  await page.goto('./');
  const { title } = en.trouble({ code: 'no-webgpu', facts: {} });
  await expect(page.getByText(title)).toBeVisible();
  await button(page, en.model.anyway)
    .or(page.getByRole('link', { name: en.model.anyway }))
    .click();
  await takeSamples(page); // photos can be chosen all the same
});

test('no adapter', async ({ page }) => {
  await firstInWorker(page, 'GPU.prototype.requestAdapter = async () => null');
  await page.goto('./');
  const { title } = en.trouble({ code: 'no-adapter', facts: {} });
  await expect(page.getByText(title)).toBeVisible();
});

test('the GPU is lost while training: the run says so and goes on from what was saved', async ({ page, browser }) => {
  test.setTimeout(3 * GPU_MS);
  await toPhotos(page);
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, { steps: 6, previewEvery: 0, previewSteps: 1, heldOutDraws: 4 });
  await startTraining(page);
  await expect(underWay(page, 6)).toBeVisible({ timeout: GPU_MS });
  const devtools = await browser.newBrowserCDPSession();
  await devtools.send('Browser.crashGpuProcess');
  await expect(page.getByText(en.train.resetTitle)).toBeVisible({ timeout: GPU_MS });
  await expect(compareLink(page)).toBeVisible({ timeout: 2 * GPU_MS });
});
