// In: the page's screens and their main states. Out: axe-core finds nothing in either theme at three widths, and nothing scrolls sideways.
import AxeBuilder from '@axe-core/playwright';
import { expect, type Page, test } from '@playwright/test';
import { recording } from '../fixtures/recordings.ts';
import { restoreDatabases } from '../fixtures/stored-databases.ts';
import { button, en, frame, GPU_MS, toPhotos } from './way.ts';

test.use({ serviceWorkers: 'block' });
test.setTimeout(GPU_MS);
const widths = [1280, 360, 320];
const themes = ['dark', 'light'] as const;

interface Found {
  where: string;
  rule: string;
  node: string;
}
/** All of axe's rules, in each theme and width. */
async function found(page: Page, state: string): Promise<Found[]> {
  const all: Found[] = [];
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }); // a picture that fades in has no contrast yet
      const where = `${state}, ${colorScheme}, ${width} px`;
      const wide = await page.evaluate(() =>
        document.documentElement.scrollWidth <= innerWidth
          ? null
          : [...document.querySelectorAll('body *')]
              .filter((node) => node.getBoundingClientRect().right > innerWidth)
              .map((node) => node.outerHTML.slice(0, 80))
              .slice(0, 4)
              .join(' | '),
      );
      if (wide !== null) all.push({ where, rule: 'scrolls sideways', node: wide });
      const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
      for (const { id, nodes } of violations)
        for (const { html, any } of nodes)
          all.push({ where, rule: id, node: `${html.slice(0, 160)} ${any[0]?.message ?? ''}` });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  return all;
}
const go = (page: Page, screen: string): Promise<void> =>
  page.evaluate((hash) => {
    location.hash = hash;
  }, `#/${screen}`);

test('a newcomer’s screens', async ({ page }) => {
  await page.goto('./');
  await expect(page.getByRole('heading', { name: en.model.stored })).toBeVisible();
  expect.soft(await found(page, 'model')).toEqual([]);
  await page.getByRole('radio', { name: /^Stable Diffusion 1\.5/ }).check();
  await button(page, /^Get the model/).click();
  expect.soft(await found(page, 'licence')).toEqual([]);
  await page.keyboard.press('Escape');
  await toPhotos(page);
  expect.soft(await found(page, 'no photos')).toEqual([]);
  await go(page, 'compare');
  await expect(page.getByRole('heading', { name: en.compare.emptyTitle })).toBeVisible();
  expect.soft(await found(page, 'nothing to compare')).toEqual([]);
});

test('the screens of somebody who has photos, a run and adapters', async ({ page }) => {
  await page.route('**/before', (route) => route.fulfill({ contentType: 'text/html', body: 'nothing here' }));
  await page.goto('./before');
  await page.evaluate(restoreDatabases, JSON.stringify(recording('storage-1').databases));
  await page.goto('./#/photos');
  await frame(page, 'busy.png').click();
  expect.soft(await found(page, 'photos')).toEqual([]);
  await go(page, 'name');
  await expect(page.getByRole('heading', { name: en.name.title })).toBeVisible();
  expect.soft(await found(page, 'name')).toEqual([]);
  await go(page, 'train');
  await expect(page.getByText(en.train.resumeTitle(2))).toBeVisible();
  expect.soft(await found(page, 'an unfinished run')).toEqual([]);
  await button(page, en.train.startNew).click();
  await page.getByText(en.train.advanced, { exact: true }).click();
  expect.soft(await found(page, 'all settings')).toEqual([]);
  await go(page, 'compare');
  await page.getByText(en.compare.more, { exact: true }).click();
  expect.soft(await found(page, 'compare')).toEqual([]);
  await go(page, 'library');
  await expect(page.getByRole('heading', { name: 'from-a-friend', exact: true })).toBeVisible();
  await button(page, en.library.renameOne('from-a-friend')).click();
  await page.getByLabel(en.library.name, { exact: true }).fill('A friend’s bear');
  await button(page, en.library.save).click();
  await expect(page.getByRole('heading', { name: 'A friend’s bear' })).toBeVisible();
  await button(page, en.library.deleteOne('A friend’s bear')).click();
  await expect(page.getByRole('heading', { name: 'A friend’s bear' })).toHaveCount(0);
  await button(page, en.app.undo).click();
  await expect(page.getByRole('heading', { name: 'A friend’s bear' })).toBeVisible();
  expect.soft(await found(page, 'library')).toEqual([]);
});
