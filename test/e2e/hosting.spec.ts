// In: the built folder on a plain static host, under a path, by https and by plain http. Out: the page works there, or says what to do; nothing throws.
import { expect, type Page, test } from '@playwright/test';
import { CHROMIUM_FLAGS, findChromium } from '../../tools/chromium.ts';
import { plainHost } from './plain-host.ts';
import {
  button,
  compareLink,
  en,
  GPU_MS,
  pasteSettings,
  startTraining,
  takeSamples,
  toName,
  toTraining,
} from './way.ts';

const executablePath = findChromium();
/** A name that is not localhost is another computer's, as far as a browser knows. */
const OTHER = 'darkroom.test';
test.use({
  launchOptions: {
    ...(executablePath ? { executablePath } : {}),
    // Playwright's `ignoreHTTPSErrors` does not reach a service worker's script.
    args: [...CHROMIUM_FLAGS, `--host-resolver-rules=MAP ${OTHER} 127.0.0.1`, '--ignore-certificate-errors'],
  },
});

function mishaps(page: Page): string[] {
  const heard: string[] = [];
  page.on('pageerror', (error) => heard.push(error.message));
  page.on('console', (message) => message.type() === 'error' && heard.push(message.text()));
  return heard;
}

test('under a path of a host by https: the whole way, offline after one visit', async ({ page, context }) => {
  test.setTimeout(3 * GPU_MS);
  const heard = mishaps(page);
  const host = await plainHost('/a/b/', true);
  try {
    await page.goto(`https://${OTHER}:${host.port}/a/b/`);
    await button(page, en.model.use).click();
    await expect(page.getByRole('heading', { name: en.photos.title })).toBeVisible();
    await page.goto(`https://${OTHER}:${host.port}/a/b/#/model`);
    await expect(page.getByText(/is here\.$/)).toBeVisible({ timeout: GPU_MS });
    await page.evaluate(() => navigator.serviceWorker.ready);
  } finally {
    await host.close();
  }
  await page.reload(); // by the service worker alone
  await page.goto(`https://${OTHER}:${host.port}/a/b/#/photos`);
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, { steps: 2, previewEvery: 0, previewSteps: 1, heldOutDraws: 1 });
  await startTraining(page);
  await expect(compareLink(page)).toBeVisible({ timeout: GPU_MS });
  expect(heard).toEqual([]);
  await context.close();
});

test('by plain http from another computer: the page says what to do, and nothing throws', async ({ page }) => {
  const heard = mishaps(page);
  const host = await plainHost('/a/b/');
  try {
    await page.goto(`http://${OTHER}:${host.port}/a/b/`);
    const { title } = en.trouble({ code: 'not-secure', facts: { address: page.url() } });
    await expect(page.getByText(title)).toBeVisible();
    for (const step of en.model.notSecureHow) await expect(page.getByText(step)).toBeVisible();
    for (const screen of ['photos', 'name', 'train', 'compare'] as const) {
      await page.goto(`http://${OTHER}:${host.port}/a/b/#/${screen}`);
      await expect(page.getByRole('main')).toBeVisible();
    }
    await page.goto(`http://${OTHER}:${host.port}/a/b/#/photos`);
    await takeSamples(page); // photos can be looked at all the same
    expect(heard).toEqual([]);
  } finally {
    await host.close();
  }
});
