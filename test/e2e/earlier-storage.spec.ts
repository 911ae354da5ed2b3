// In: what the page stored at commit cb002ea (test/fixtures/storage-1). Out: today's page shows all of it, goes on with the run, hands the adapter out.
import { expect, type Page, test } from '@playwright/test';
import { recording } from '../fixtures/recordings.ts';
import { restoreDatabases } from '../fixtures/stored-databases.ts';
import { button, compareLink, downloaded, en, frame, GPU_MS } from './way.ts';

/** Puts the recording into the browser before anything of Darkroom has run in it. */
async function returnTo(page: Page, screen: string): Promise<void> {
  await page.route('**/before', (route) => route.fulfill({ contentType: 'text/html', body: 'nothing here' }));
  await page.goto('./before');
  await page.evaluate(restoreDatabases, JSON.stringify(recording('storage-1').databases));
  await page.goto(`./#/${screen}`);
}

test('a project, its captions, its unfinished run and its adapters are there after an update', async ({ page }) => {
  await returnTo(page, 'photos');
  await expect(page.getByText(en.photos.inUse(5, 6), { exact: true })).toBeVisible();
  await expect(frame(page, 'busy.png')).toHaveAccessibleName(/left out.*Too small: 50/);
  await frame(page, 'baseline.jpg').click();
  await expect(page.getByLabel(en.photos.caption)).toHaveValue('aawxbc figurine on a “blue” shelf');
  await frame(page, 'teddy-bear-02.png').click();
  const cropped = en.photos.cropAt(0.4921875 - 0.45, 0.5078125 - 0.45, 0.9);
  await expect(page.getByRole('slider', { name: en.photos.crop, exact: true })).toHaveAttribute(
    'aria-valuetext',
    cropped,
  );
  // Each photo is really drawn from its stored bytes.
  await expect
    .poll(() =>
      page
        .locator('[data-frame] img')
        .evaluateAll((all) => all.map((img) => (img as HTMLImageElement).naturalWidth > 0)),
    )
    .toEqual([true, true, true, true, true, true]);

  await page.goto('./#/name');
  await expect(page.getByLabel(en.name.identifier, { exact: true })).toHaveValue('aawxbc');
  await expect(page.getByLabel(en.name.noun, { exact: true })).toHaveValue('figurine');

  await page.goto('./#/train');
  await expect(page.getByText(en.train.resumeTitle(2))).toBeVisible();
  await expect(button(page, en.train.resumeFrom(2))).toBeVisible();

  await page.goto('./#/compare');
  await expect(button(page, en.compare.deleteAdapter('from-a-friend'))).toBeVisible();
  await expect(button(page, en.compare.deleteAdapter('aawxbc-figurine'))).toHaveCount(2);
  const kohya = await downloaded(page, 'kohya'); // needs no model
  expect(kohya.name).toBe('aawxbc-figurine.safetensors');
  expect(Object.keys(kohya.header)).toHaveLength(3 * 56);
  expect(kohya.metadata.ss_steps).toBe('2');
  expect(Object.keys((await downloaded(page, 'diffusers')).header)).toHaveLength(2 * 56);
});

test('the unfinished run goes on where it was, with the model as it is now, and says that its weights are new', async ({
  page,
}) => {
  test.setTimeout(3 * GPU_MS);
  await returnTo(page, 'train');
  await button(page, en.train.resumeFrom(2)).click({ timeout: GPU_MS });
  await expect(compareLink(page)).toBeVisible({ timeout: 2 * GPU_MS });
  await expect(page.getByText(en.model.earlierWeights('Demo model'))).toBeVisible();
  // Its earlier measurements are there beside the new one.
  await page.getByText(en.train.chartDetails, { exact: true }).click();
  await expect(page.getByRole('table', { name: en.train.tableCaption }).getByRole('rowheader')).toHaveText([
    '0',
    '2',
    '4',
  ]);
});
