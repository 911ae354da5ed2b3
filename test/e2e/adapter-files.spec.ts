// In: files opened under Compare before there is anything to compare. Out: a checkpoint is called one and leads on, a LoRA waits for its model and
// opens when it is there, and the console stays empty.
import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import { writeSafetensors } from '../../src/files/safetensors.ts';
import { button, en } from './way.ts';

test.use({ serviceWorkers: 'block' });
const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
const lora = { name: 'mine.safetensors', mimeType: '', buffer: readFileSync('test/golden/unet/demo/lora.safetensors') };
const keys = ['model.diffusion_model.input_blocks.0.0.weight', 'cond_stage_model.transformer.x'];
const tensors = keys.map((name) => ({ name, dtype: 'F32' as const, shape: [1], data: new Float32Array(1) }));
const checkpoint = { name: 'dreamy.safetensors', mimeType: '', buffer: buffer(writeSafetensors(tensors)) };

test('a checkpoint is called one, a LoRA waits for a model, and the first adapter on an empty Compare throws nothing', async ({
  page,
}) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  await page.goto('./#/compare');
  await expect(page.getByRole('heading', { name: en.compare.emptyTitle })).toBeVisible();
  const picker = page.locator('[data-adapter-file]');

  await picker.setInputFiles(checkpoint);
  await expect(page.getByText('“dreamy.safetensors” is a whole model (a checkpoint), not a LoRA.')).toBeVisible();
  await button(page, 'Open it as a model').click();
  await expect(page).toHaveURL(/#\/model$/);
  await expect(page.getByText(/“dreamy\.safetensors” /).first()).toBeVisible(); // this one lacks nearly everything

  await page.goto('./#/compare');
  await picker.setInputFiles(lora);
  await expect(page.getByText('No model is open yet.')).toBeVisible();
  await button(page, 'Choose a model').click();
  await button(page, en.model.use).click();
  await expect(page.getByRole('heading', { name: en.photos.title })).toBeVisible();
  await page.goto('./#/compare');
  await expect(page.getByText(en.compare.onScreen)).toBeVisible({ timeout: 60_000 });
  await expect(page.getByText('mine', { exact: true })).toBeVisible();
  expect(errors).toEqual([]);
});
