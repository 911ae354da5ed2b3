// In: a page in use, and a newer service worker on the server. Out: the new version is offered and taken only when asked for.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { serve } from '../../tools/build.ts';
import { root } from '../../tools/packages.mjs';
import { button, en } from './way.ts';

test('a new version is offered, not forced', async ({ browser }) => {
  let version = 1;
  const worker = readFileSync(join(root, 'dist', 'sw.js'), 'utf8');
  const server = await serve({
    port: 4182,
    replace: (path) => (path === '/sw.js' ? Buffer.from(`${worker}\n// version ${version}`) : undefined),
  });
  const context = await browser.newContext({ baseURL: server.url });
  try {
    const page = await context.newPage();
    await page.goto('./');
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    await expect(page.getByText(en.update.title)).toHaveCount(0);
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));

    version = 2;
    await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
    await expect(page.getByText(en.update.title)).toBeVisible();
    expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true); // nothing reloaded by itself

    const reloaded = page.waitForEvent('load');
    await button(page, en.update.use).click();
    await reloaded;
    await expect(page.getByRole('heading', { name: en.model.title })).toBeVisible();
    await expect(page.getByText(en.update.title)).toHaveCount(0);
  } finally {
    await context.close();
    await server.close();
  }
});
