// In: files dropped on the page itself, on every screen, as a hand drops them. Out: each goes where it belongs, or is named with the reason.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { picture, truncated, turned, type Upload } from './photos.ts';
import { en, frame, toPhotos } from './way.ts';

/** Real drag and drop events over the middle of the page; true where the page kept the browser from opening the file. */
async function dropOn(page: Page, ...files: Upload[]): Promise<boolean> {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, type: mimeType, base64: buffer.toString('base64') }));
  return page.evaluate(async (all) => {
    const transfer = new DataTransfer();
    for (const { name, type, base64 } of all) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    const target = document.elementFromPoint(innerWidth / 2, innerHeight / 2) ?? document.body;
    const send = (type: string) =>
      target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    send('dragenter');
    const held = !send('dragover');
    return !send('drop') && held;
  }, sent);
}
const upload = (name: string, content: string | Buffer, mimeType = ''): Upload => ({
  ...{ name, mimeType },
  buffer: Buffer.from(content as string, 'latin1'),
});
const safetensors = (name: string, tensor: string): Upload => {
  const header = JSON.stringify({ [tensor]: { dtype: 'F16', shape: [0], data_offsets: [0, 0] } });
  const length = Buffer.alloc(8);
  length.writeUInt32LE(header.length);
  return upload(name, Buffer.concat([length, Buffer.from(header)]));
};

test('on every screen: photos and captions go to Photos, a checkpoint to Model, a LoRA to Compare, the rest is named', async ({
  page,
}) => {
  await toPhotos(page);
  let n = 0;
  for (const screen of ['model', 'photos', 'name', 'train', 'compare'] as const) {
    const go = async () => {
      await page.goto(`./#/${screen}`);
      await expect(page).toHaveTitle(en.app.title(screen, null));
    };
    await go();
    const photo = await picture(page, `p${n++}.jpg`, 500 + 40 * n, 480);
    expect(await dropOn(page, photo, upload(`P${n - 1}.caption`, `caption ${n}`))).toBe(true);
    await expect(page).toHaveURL(/#\/photos$/);
    await expect(frame(page, photo.name)).toBeVisible();
    await frame(page, photo.name).click();
    await expect(page.getByLabel(en.photos.caption)).toHaveValue(`caption ${n}`);

    await go();
    expect(
      await dropOn(page, upload('x.dng', `II*\0${'\0'.repeat(3000)}`), upload('y', `PK\x03\x04${'\0'.repeat(99)}`)),
    ).toBe(true);
    await expect(page).toHaveURL(new RegExp(`#/${screen}$`));
    await expect(page.getByText(en.intake.leftOut(2))).toBeVisible();
    for (const words of [en.intake.reasons.raw, 'x.dng', en.intake.reasons.archive])
      await expect(page.getByText(words, { exact: true })).toBeVisible();
    await page.getByRole('button', { name: en.app.close, exact: true }).click();

    await go();
    expect(await dropOn(page, safetensors('style.safetensors', 'lora_unet_mid.lora_down.weight'))).toBe(true);
    await expect(page).toHaveURL(/#\/compare$/);

    await go();
    expect(await dropOn(page, safetensors('xl.safetensors', 'conditioner.embedders.0.weight'))).toBe(true);
    await expect(page).toHaveURL(/#\/model$/);
    const sdxl = { file: 'xl.safetensors', kind: 'sdxl' as const, detail: '' };
    await expect(page.getByText(en.trouble({ code: 'not-a-checkpoint', facts: sdxl }).title)).toBeVisible();
  }
});

test('kohya’s folders under the mouse: two photos of one name keep their own captions, what lies between them is named', async ({
  page,
}, info) => {
  await toPhotos(page);
  const put = (path: string, content: string | Buffer) => {
    const to = info.outputPath(join('set', path));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, content);
  };
  put('10_ohwx man/001.png', (await picture(page, '1', 600, 500, 'image/png')).buffer);
  put('10_ohwx man/001.txt', 'red');
  put('5_ohwx man/001.png', (await picture(page, '2', 500, 600, 'image/png')).buffer);
  put('5_ohwx man/001.txt', Buffer.from('it\x92s blue', 'latin1'));
  put('5_ohwx man/002.txt', 'of no photo');
  put('5_ohwx man/.DS_Store', 'x');
  put('log/run', '%PDF-1.4');
  const mouse = await page.context().newCDPSession(page);
  const data = { items: [], files: [info.outputPath('set')], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await mouse.send('Input.dispatchDragEvent', { type, x: 600, y: 400, data });
  await expect(page.locator('[data-frame]')).toHaveCount(2);
  await expect(page.getByText(en.photos.reading, { exact: true })).toHaveCount(0);
  for (const [n, caption] of ['it’s blue', 'red'].entries()) {
    await page.locator('[data-frame]').nth(n).click();
    await expect(page.getByLabel(en.photos.caption)).toHaveValue(caption);
  }
  await expect(page.getByText(en.intake.leftOut(2))).toBeVisible();
  for (const path of ['set/5_ohwx man/002.txt', 'set/log/run'])
    await expect(page.getByText(path, { exact: true })).toBeVisible();
});

test('the bytes decide: HEIC is told whatever its name, an end marker may be missing, a half is a half, a mask is kept aside', async ({
  page,
}) => {
  await toPhotos(page);
  const whole = await picture(page, 'a.jpg', 640, 480);
  const withoutEnd = { ...(await picture(page, 'noeoi.jpg', 600, 500)), name: 'noeoi.jpg' };
  withoutEnd.buffer = withoutEnd.buffer.subarray(0, withoutEnd.buffer.lastIndexOf(Buffer.from([0xff, 0xd9])));
  const half = truncated(await picture(page, 'half.jpg', 560, 520));
  const mended = { ...half, name: 'mended.jpg', buffer: Buffer.concat([half.buffer, Buffer.from([0xff, 0xd9])]) };
  const heic = upload('IMG_1.jpg', '\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat', 'image/jpeg');
  const open = await picture(page, 'open.png', 520, 540, 'image/png');
  open.buffer = open.buffer.subarray(0, -12); // its IEND
  await dropOn(
    page,
    ...[whole, withoutEnd, half, mended, heic, open],
    { ...(await picture(page, 'a-masklabel.png', 480, 640, 'image/png')), name: 'a-masklabel.png' },
    turned(await picture(page, 'panorama.jpg', 2600, 130), 6),
  );
  await expect(page.locator('[data-frame]')).toHaveCount(8);
  await expect(page.getByText(en.photos.reading, { exact: true })).toHaveCount(0, { timeout: 60_000 });
  await expect(frame(page, 'noeoi.jpg')).toHaveAccessibleName(/in use/);
  await expect(frame(page, 'open.png')).toHaveAccessibleName(/open\.png, (in use|left out)/);
  for (const name of ['half.jpg', 'mended.jpg', 'IMG_1.jpg'])
    await expect(frame(page, name)).toHaveAccessibleName(/The file ends early/);
  await expect(frame(page, 'panorama.jpg')).toHaveAccessibleName(/20 : 1/);
  await expect(frame(page, 'a-masklabel.png')).toHaveAccessibleName(/left out.*A mask, kept aside/);
  await page.getByRole('button', { name: `${en.photos.putBack}, a-masklabel.png` }).click();
  await expect(frame(page, 'a-masklabel.png')).toHaveAccessibleName(/in use/);
});

test('a pasted picture goes to Photos; pasted into a field beside words, the words are meant', async ({ page }) => {
  await toPhotos(page);
  const { name, mimeType, buffer } = await picture(page, 'pasted.png', 600, 500, 'image/png');
  await page.goto('./#/name');
  const field = page.getByLabel(en.name.identifier, { exact: true });
  const paste = (words: string) =>
    field.evaluate(
      (input, [file, type, base64, text]) => {
        const clipboardData = new DataTransfer();
        const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
        clipboardData.items.add(new File([bytes], file, { type }));
        if (text) clipboardData.setData('text/plain', text);
        const event = new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData });
        return !input.dispatchEvent(event);
      },
      [name, mimeType, buffer.toString('base64'), words] as const,
    );
  expect(await paste('aawxbc')).toBe(false); // left to the field
  expect(await paste('')).toBe(true);
  await expect(page).toHaveURL(/#\/photos$/);
  await expect(page.locator('[data-frame]')).toHaveCount(1);
});

test('108 megapixels are taken as JPEG and as WebP, turned as EXIF says', async ({ page }) => {
  test.slow();
  await toPhotos(page);
  const [jpeg, webp] = [await vast(page, 'image/jpeg'), await vast(page, 'image/webp')];
  await dropOn(page, turned({ ...jpeg, name: 'vast.jpg' }, 6), { ...webp, name: 'vast.webp' });
  await expect(page.getByText(en.photos.reading, { exact: true })).toHaveCount(0, { timeout: 120_000 });
  for (const name of ['vast.jpg', 'vast.webp'])
    await expect(frame(page, name)).toHaveAccessibleName(new RegExp(`${name}, (in use|left out)`));
  const shape = (name: string) =>
    frame(page, name)
      .locator('img')
      .evaluate((image: HTMLImageElement) => image.naturalWidth / image.naturalHeight);
  expect(await shape('vast.jpg')).toBeCloseTo(3 / 4, 2);
  expect(await shape('vast.webp')).toBeCloseTo(4 / 3, 2);
});

const vast = (page: Page, type: string): Promise<Upload> => picture(page, 'vast', 12_000, 9000, type);
