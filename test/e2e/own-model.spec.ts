// In: folders as people have them on their disks. Out: a model with a weight that is no number is told when it comes in, Hugging Face's cache is read
// although its links are not followed, and a folder of nothing but links says what to do.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import { en } from './way.ts';

test.use({ serviceWorkers: 'block' });
const demo = 'public/models/demo';
const UNET = 'unet/diffusion_pytorch_model.safetensors';
const made = mkdtempSync(join(tmpdir(), 'darkroom-own-'));
test.afterAll(() => rmSync(made, { recursive: true }));

/** Dropped as from a file manager: the browser itself reads the disk. */
async function dropFolder(page: Page, path: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', { type, x: 600, y: 400, data });
}
const pickFolder = (page: Page, path: string) => page.locator('[data-checkpoint-folder]').setInputFiles(path);

function cache(): { top: string; snapshot: string } {
  const top = join(made, 'models--someone--dreamy');
  const snapshot = join(top, 'snapshots', '451f4fe16113bff5a5d2269ed5ad43b0592e9a14');
  mkdirSync(join(top, 'blobs'), { recursive: true });
  const names = readdirSync(demo, { recursive: true, encoding: 'utf8' }).filter((path) => /\.[a-z]+$/.test(path));
  names.forEach((name, i) => {
    const blob = join(top, 'blobs', String(i).padStart(40, 'a'));
    const link = join(snapshot, name);
    mkdirSync(dirname(link), { recursive: true });
    copyFileSync(join(demo, name), blob);
    symlinkSync(relative(dirname(link), blob), link);
  });
  return { top, snapshot };
}

test('a weight that is no number is told when the model comes in: file, tensor, how many', async ({ page }) => {
  const folder = join(made, 'my model');
  cpSync(demo, folder, { recursive: true });
  const bytes = readFileSync(join(folder, UNET));
  const header = Number(bytes.readBigUInt64LE(0));
  const tensors = JSON.parse(bytes.toString('utf8', 8, 8 + header)) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const at = 8 + header + tensors['conv_in.weight']!.data_offsets[0];
  bytes.set([0, 0x7e, 0, 0x7e], at);
  writeFileSync(join(folder, UNET), bytes);
  await page.goto('./#/model');
  await pickFolder(page, folder);
  await expect(page.getByText(`“${UNET}” has broken weights.`)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText(/2 values of “conv_in\.weight” are not a number/)).toBeVisible();
  await page.getByRole('button', { name: 'Choose another' }).click();
  await expect(page.getByText('has broken weights')).toHaveCount(0);
});

test('Hugging Face’s cache is the model that its links name, dropped or picked; its snapshot alone says what to do', async ({
  page,
}) => {
  const { top, snapshot } = cache();
  await page.goto('./#/model');
  await expect(page.getByRole('radio').first()).toBeVisible();
  await dropFolder(page, snapshot);
  await expect(
    page.getByText(en.trouble({ code: 'not-a-checkpoint', facts: { file: '', kind: 'links', detail: '' } }).text),
  ).toBeVisible();
  await dropFolder(page, top);
  await expect(page.getByRole('radio', { name: /dreamy/ })).toBeChecked({ timeout: 60_000 });
  await page.reload();
  await pickFolder(page, top);
  await expect(page.getByText(en.model.arrived('dreamy'))).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('radio', { name: /dreamy/ })).toHaveCount(1);
});
