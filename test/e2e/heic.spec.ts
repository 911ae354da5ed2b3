// In: HEIC photos as phones keep them. Out: they are on the sheet, the right way up, in the colours that were meant; half of one says so.
import { readFileSync } from 'node:fs';
import { expect, type Page, test } from '@playwright/test';
import type { Upload } from './photos.ts';
import { drop, en, frame, toPhotos } from './way.ts';

const upload = (file: string, name = file, buffer = readFileSync(`test/fixtures/${file}`)): Upload => ({
  ...{ name, mimeType: 'image/heic', buffer },
});
/** Colours of a frame's thumbnail at a third and two thirds across, a third down; and whether it lies. */
const seen = (page: Page, name: string) =>
  frame(page, name)
    .locator('img')
    .evaluate((image) => {
      const { naturalWidth: width, naturalHeight: height } = image as HTMLImageElement;
      const context = new OffscreenCanvas(width, height).getContext('2d')!;
      context.drawImage(image as HTMLImageElement, 0, 0);
      const at = (x: number) => [
        ...context.getImageData(Math.floor(x * width), Math.floor(height * 0.45), 1, 1).data.subarray(0, 3),
      ];
      return { lies: width > height, left: at(0.4), right: at(0.8) };
    });
const near = (got: number[], wanted: number[]): boolean => got.every((value, i) => Math.abs(value - wanted[i]!) <= 16);

test('8 and 10 bits, turned, Display P3, 12 megapixels; half of one is told by name', async ({ page }) => {
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(error.message));
  await toPhotos(page);
  const names = ['photo.heic', 'photo-10-bit.heic', 'photo-turned.heic', 'twelve-megapixels.heic'];
  await drop(
    page,
    ...names.map((name) => upload(name)),
    upload('photo-p3.heic'),
    upload('photo.heic', 'cut.heic', readFileSync('test/fixtures/photo.heic').subarray(0, 900)),
  );
  await expect(page.locator('[data-frame]')).toHaveCount(6);
  await expect(page.getByText(en.photos.reading, { exact: true })).toHaveCount(0, { timeout: 120_000 });
  for (const name of names) {
    const { lies, left, right } = await seen(page, name);
    expect([name, lies, near(left, [220, 30, 30]), near(right, [30, 30, 220])]).toEqual([name, true, true, true]);
  }
  // The stored numbers are Display P3's; display-p3-in-srgb.png is what LittleCMS makes of them.
  const { left } = await seen(page, 'photo-p3.heic');
  expect([left, near(left, [52, 172, 66])]).toEqual([left, true]);
  await expect(frame(page, 'cut.heic')).toHaveAccessibleName(/The file ends early/);
  expect(said).toEqual([]);
});
