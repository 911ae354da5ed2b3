// In: a browser whose GPU process crashes twice in one run. Out: the run ends done by itself, bitwise as the same run undisturbed. Chrome refuses
// graphics for two minutes after the second crash, so this has a command of its own: npm run crash.
import { readFileSync } from 'node:fs';
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
} from '../e2e/way.ts';

test.use({ serviceWorkers: 'block' });
const STEPS = 8;
const settings = { steps: STEPS, seed: 7, previewEvery: 2, previewSteps: 1, heldOutDraws: 2 };

/** All tensors of the adapter on screen: the file but for its header, which says when it was made. */
async function adapterBytes(page: Page): Promise<Buffer> {
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: /^Download/ }).click();
  const bytes = readFileSync(await (await coming).path());
  return bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
}
const reached = (page: Page, step: number) => page.getByText(new RegExp(`Step [${step}-${STEPS}] of ${STEPS}`)).first();

test('a GPU process that crashes twice: the run goes on by itself once the browser allows it', async ({
  page,
  browser,
}) => {
  test.setTimeout(900_000);
  await toPhotos(page);
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, settings);
  await startTraining(page);
  await expect(reached(page, 3)).toBeVisible({ timeout: GPU_MS });
  const devtools = await browser.newBrowserCDPSession();
  const crashed = Date.now();
  await devtools.send('Browser.crashGpuProcess');
  await expect(page.getByText(en.train.resetTitle)).toBeVisible({ timeout: GPU_MS });
  await expect(reached(page, 5)).toBeVisible({ timeout: GPU_MS });
  await devtools.send('Browser.crashGpuProcess');
  const held = page.getByText(en.train.heldTitle);
  const wasHeld = held.waitFor({ timeout: 60_000 }).then(
    () => true,
    () => false,
  );
  await expect(compareLink(page)).toBeVisible({ timeout: 300_000 });
  console.log(
    `done ${Math.round((Date.now() - crashed) / 1000)} s after the first crash; graphics ${(await wasHeld) ? 'were' : 'were not'} held back`,
  );
  await compareLink(page).click();
  const disturbed = await adapterBytes(page);

  await page.goto('./#/train');
  await button(page, en.train.newRun).click();
  await pasteSettings(page, settings);
  await startTraining(page);
  await expect(compareLink(page)).toBeVisible({ timeout: 2 * GPU_MS });
  await compareLink(page).click();
  const quiet = await adapterBytes(page);
  expect(quiet.length).toBeGreaterThan(10_000);
  expect(disturbed.equals(quiet)).toBe(true);
});
