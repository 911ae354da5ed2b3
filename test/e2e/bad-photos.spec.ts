// In: files that are no good photos, or odd ones. Out: each is taken rightly or refused with its own sentence, and the others stay.
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import { picture, textNamedPng, truncated, turned } from './photos.ts';
import { button, drop, en, frame, takeSamples, toPhotos } from './way.ts';

test('every kind of file is taken or refused with its own sentence, and nothing else is lost', async ({ page }) => {
  await toPhotos(page);
  const good = await picture(page, 'good.jpg', 640, 480);
  await drop(
    page,
    good,
    textNamedPng('letter.png'),
    truncated(await picture(page, 'half.jpg', 640, 480)),
    await picture(page, 'dot.png', 1, 1, 'image/png'),
    await picture(page, 'huge.jpg', 4000, 3000),
    turned(await picture(page, 'turned.jpg', 700, 500), 6),
    await picture(page, 'glass.png', 600, 600, 'image/png', 0.5),
  );
  // Six of the seven files are images that this page can show or name; every one has its frame.
  await expect(page.locator('[data-frame]')).toHaveCount(7);
  await expect(page.getByText(en.photos.reading, { exact: true })).toHaveCount(0, { timeout: 60_000 });

  await expect(frame(page, 'letter.png')).toHaveAccessibleName(/Not an image/);
  await expect(frame(page, 'half.jpg')).toHaveAccessibleName(/The file ends early/);
  await expect(frame(page, 'dot.png')).toHaveAccessibleName(/Too small: 1/);
  await expect(frame(page, 'huge.jpg')).toHaveAccessibleName(/huge\.jpg, in use/);
  await expect(frame(page, 'turned.jpg')).toHaveAccessibleName(/turned\.jpg, (in use|left out)/);
  await expect(frame(page, 'glass.png')).toHaveAccessibleName(/glass\.png, (in use|left out)/);
  await expect(frame(page, 'good.jpg')).toHaveAccessibleName(/good\.jpg, in use/);

  await frame(page, 'half.jpg').click();
  const { title, text } = en.trouble({ code: 'photo-unreadable', facts: { file: 'half.jpg', reason: 'truncated' } });
  await expect(page.getByText(title)).toBeVisible();
  await expect(page.getByText(text)).toBeVisible();

  // Orientation 6: red was left, so after a quarter turn clockwise it is on top; the picture stands.
  const turnedPixels = await pixels(page, 'turned.jpg');
  expect(turnedPixels.height).toBeGreaterThan(turnedPixels.width);
  expect(turnedPixels.top).toMatchObject({ redder: true });
  expect(turnedPixels.bottom).toMatchObject({ redder: false });
  // Half-transparent on white: light, not black.
  expect((await pixels(page, 'glass.png')).top.brightness).toBeGreaterThan(100);
});

test('a phone’s photo in Display P3 is learned in sRGB: the colours that LittleCMS makes of it', async ({ page }) => {
  await toPhotos(page);
  const fixture = (name: string) => ({
    ...{ name, mimeType: 'image/png', buffer: readFileSync(new URL(`../fixtures/${name}`, import.meta.url)) },
  });
  await drop(page, fixture('display-p3.png'), fixture('display-p3-in-srgb.png'));
  const [got, expected] = [await patches(page, 'display-p3.png'), await patches(page, 'display-p3-in-srgb.png')];
  expect(expected[0]![0]).toBeGreaterThan(210); // control: the file itself says 200
  for (const [i, patch] of expected.entries())
    for (const [channel, level] of patch.entries()) expect(Math.abs(got[i]![channel]! - level)).toBeLessThanOrEqual(3);
});

test('no photos: the page says so and stays', async ({ page }) => {
  await toPhotos(page);
  await drop(page, textNamedPng('letter.png'));
  await expect(frame(page, 'letter.png')).toHaveAccessibleName(/Not an image/);
  await button(page, en.photos.next(0)).click();
  const { title } = en.trouble({ code: 'no-photos', facts: {} });
  await expect(page.getByText(title)).toBeVisible();
  await expect(page).toHaveURL(/#\/photos$/);
});

test('an empty name: the page says so, and the photos are still there', async ({ page }) => {
  await toPhotos(page);
  await takeSamples(page);
  await page.getByRole('button', { name: en.photos.next(8) }).click();
  const name = page.getByLabel(en.name.identifier, { exact: true });
  await expect(name).not.toHaveValue('', { timeout: 60_000 }); // a made-up name is offered
  await name.fill('');
  await button(page, en.name.next).last().click();
  const { title } = en.trouble({ code: 'no-identifier', facts: {} });
  await expect(page.getByText(title)).toBeVisible();
  await page.goto('./#/photos');
  await expect(page.getByText(en.photos.inUse(8, 8), { exact: true })).toBeVisible();
});

/** The colours in the middle of three by two patches of a photo, as the page made them from its file. */
async function patches(page: Page, name: string): Promise<number[][]> {
  return frame(page, name)
    .locator('img')
    .evaluate(async (image: HTMLImageElement) => {
      await image.decode();
      const ink = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext('2d');
      if (!ink) throw new Error('no 2D canvas');
      ink.drawImage(image, 0, 0);
      return Array.from({ length: 6 }, (_, i) =>
        Array.from(ink.getImageData(107 * (i % 3) + 53, i < 3 ? 60 : 180, 1, 1).data.subarray(0, 3)),
      );
    });
}

interface Corner {
  redder: boolean;
  brightness: number;
}
/** The shown photo's own pixels: its size, and the mean colour of its top and bottom tenth. */
async function pixels(
  page: Page,
  name: string,
): Promise<{ width: number; height: number; top: Corner; bottom: Corner }> {
  return frame(page, name)
    .locator('img')
    .evaluate(async (image: HTMLImageElement) => {
      await image.decode();
      const { naturalWidth: width, naturalHeight: height } = image;
      const canvas = new OffscreenCanvas(width, height);
      const ink = canvas.getContext('2d');
      if (!ink) throw new Error('no 2D canvas');
      ink.drawImage(image, 0, 0);
      const band = (y: number) => {
        const rows = ink.getImageData(0, Math.floor(y * height), width, Math.max(1, Math.floor(height / 10))).data;
        let [red, blue, all] = [0, 0, 0];
        for (let i = 0; i < rows.length; i += 4) {
          red += rows[i] ?? 0;
          blue += rows[i + 2] ?? 0;
          all += ((rows[i] ?? 0) + (rows[i + 1] ?? 0) + (rows[i + 2] ?? 0)) / 3;
        }
        return { redder: red > blue, brightness: all / (rows.length / 4) };
      };
      return { width, height, top: band(0.05), bottom: band(0.85) };
    });
}
