// In: one browser with two tabs of the page, files that change on the disk. Out: one project in both, in which nothing is missing that nobody removed.
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { picture } from './photos.ts';
import {
  button,
  compareLink,
  drop,
  en,
  frame,
  GPU_MS,
  pasteSettings,
  startTraining,
  takeSamples,
  toName,
  toPhotos,
  toTraining,
} from './way.ts';

const inUse = (page: Page, n: number) => expect(page.getByText(en.photos.inUse(n, n), { exact: true })).toBeVisible();
let folder = '';
test.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'darkroom-'));
});
test.afterEach(() => rmSync(folder, { recursive: true }));

/** PNGs of these sizes on the disk, `p0.png` and so on, chosen on the Photos screen. The folder goes with the test. */
async function choosePhotos(page: Page, sizes: readonly (readonly [number, number])[]): Promise<string[]> {
  await toPhotos(page);
  const paths: string[] = [];
  for (const [n, [width, height]] of sizes.entries()) {
    const { buffer } = await picture(page, '', width, height, 'image/png');
    paths.push(join(folder, `p${n}.png`));
    writeFileSync(paths[n]!, buffer);
  }
  await page.locator('input[type=file]').first().setInputFiles(paths);
  return paths;
}
/** Longer than the page rests before it saves. */
const saved = (page: Page) => page.waitForTimeout(1000);

test('a second tab, untouched, takes nothing away; what either does is in both, also after a reload', async ({
  page,
  context,
}) => {
  test.setTimeout(GPU_MS);
  await toPhotos(page);
  await drop(page, await picture(page, 't0.png', 320, 300, 'image/png'));
  await drop(page, await picture(page, 't1.png', 300, 320, 'image/png'));
  await inUse(page, 2);
  await saved(page);

  const other = await context.newPage();
  await other.goto('./#/name');
  const name = other.getByLabel(en.name.identifier, { exact: true });
  await expect(name).not.toHaveValue('', { timeout: GPU_MS }); // a made-up one is offered
  const offered = await name.inputValue();
  await saved(other);
  await page.reload();
  await inUse(page, 2);
  await page.goto('./#/name');
  await expect(page.getByLabel(en.name.identifier, { exact: true })).not.toHaveValue(offered);

  // Each tab hears of the other without a reload.
  await page.goto('./#/photos');
  await other.goto('./#/photos');
  await drop(page, await picture(page, 't2.png', 280, 320, 'image/png'));
  await inUse(other, 3);
  await frame(other, 't0.png').click();
  await other.getByLabel(en.photos.caption).fill('on a rock');
  await frame(page, 't0.png').click();
  await expect(page.getByLabel(en.photos.caption)).toHaveValue('on a rock');
  await frame(other, 't1.png').click();
  await button(other, en.photos.remove).click();
  await inUse(page, 2);
  await button(other, en.app.undo).click();
  await inUse(page, 3);

  for (const tab of [page, other]) {
    await saved(tab);
    await tab.reload();
    await inUse(tab, 3);
    await frame(tab, 't0.png').click();
    await expect(tab.getByLabel(en.photos.caption)).toHaveValue('on a rock');
  }
});

test('a photo that is edited or deleted on the disk after the drop is still there, and so are the others', async ({
  page,
}) => {
  test.setTimeout(GPU_MS);
  const paths = await choosePhotos(page, [
    [300, 320],
    [320, 300],
    [280, 320],
  ]);
  await inUse(page, 3);
  appendFileSync(paths[0]!, 'x');
  rmSync(paths[1]!);
  await frame(page, 'p2.png').click();
  await page.getByLabel(en.photos.caption).fill('later'); // a save after the change
  await saved(page);
  await expect(page.getByText(en.notKept)).toBeHidden();
  await page.reload();
  await inUse(page, 3);
  const drawn = () =>
    page.locator('[data-frame] img').evaluateAll((all) => all.map((img) => (img as HTMLImageElement).naturalWidth > 0));
  await expect.poll(drawn).toEqual([true, true, true]);
  // The same from the bytes themselves: the crop editor draws the file, and every stored copy can be read.
  const sizes = await page.evaluate(async () => {
    const db = await new Promise<IDBDatabase>((resolve) => {
      const opening = indexedDB.open('darkroom-project');
      opening.onsuccess = () => resolve(opening.result);
    });
    const all = await new Promise<{ file?: Blob }[]>((resolve) => {
      const asking = db.transaction('values').objectStore('values').getAll();
      asking.onsuccess = () => resolve(asking.result);
    });
    return Promise.all(all.flatMap(({ file }) => (file ? [file.arrayBuffer().then((bytes) => bytes.byteLength)] : [])));
  });
  expect(sizes.length).toBe(3);
  for (const size of sizes) expect(size).toBeGreaterThan(1000);
});

test('a photo that goes before it is read is named, keeps no other from being saved, and Try again reads it', async ({
  page,
}) => {
  test.setTimeout(GPU_MS);
  const sizes = Array.from({ length: 8 }, (_, n) => [2000 + 40 * n, 1800] as const);
  const last = (await choosePhotos(page, sizes))[7]!;
  renameSync(last, `${last}.away`); // while those before it are read
  await expect(page.getByText(en.photos.inUse(7, 8), { exact: true })).toBeVisible();
  await frame(page, 'p7.png').click();
  const words = en.trouble({ code: 'photo-unreadable', facts: { file: 'p7.png', reason: 'gone' } });
  await expect(page.getByText(words.title)).toBeVisible();
  await button(page, en.app.again).click();
  await expect(page.getByText(words.title)).toBeVisible(); // it was tried, and is still not there
  renameSync(`${last}.away`, last);
  await frame(page, 'p7.png').click();
  await button(page, en.app.again).click();
  await expect(page.getByText(en.photos.inUse(8, 8), { exact: true })).toBeVisible();
  await saved(page);
  await page.reload();
  await inUse(page, 8);
});

test('while one tab trains a press in another is refused and says why; afterwards the other gets the card', async ({
  page,
  context,
}) => {
  test.setTimeout(3 * GPU_MS);
  await toPhotos(page);
  await takeSamples(page);
  await toName(page, 8);
  await toTraining(page);
  await pasteSettings(page, { steps: 4, previewEvery: 0, previewSteps: 1, heldOutDraws: 1 });
  await saved(page);
  await startTraining(page);

  const other = await context.newPage();
  await other.goto('./#/name');
  const draw = button(other, en.name.draw);
  await expect(draw).toBeEnabled({ timeout: GPU_MS }); // the model is open
  await draw.click();
  const { title } = en.trouble({ code: 'another-tab', facts: { doing: 'training' } });
  await expect(other.getByText(title)).toBeVisible({ timeout: GPU_MS });

  await expect(compareLink(page)).toBeVisible({ timeout: 2 * GPU_MS });
  await button(other, en.name.drawAgain).click();
  await expect(other.getByText(title)).toBeHidden();
  await other.waitForTimeout(5000); // a refusal would have come by then
  await expect(other.getByText(title)).toBeHidden();
  await expect(button(other, en.name.stop)).toBeVisible();
});
