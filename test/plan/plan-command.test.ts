// `npm run plan`'s options: --size means pixels, as everywhere else (was: latents, an eighth of them), and what cannot be planned is refused in a sentence.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main, planReport } from '../../tools/plan.ts';

const config = 'public/models/demo/unet/config.json';
const folder = mkdtempSync(join(tmpdir(), 'plan-'));
const file = join(folder, 'plan.json');
let said: string[] = [];
beforeEach(() => {
  said = [];
  vi.spyOn(console, 'log').mockImplementation((line) => void said.push(String(line)));
  vi.spyOn(console, 'error').mockImplementation((line) => void said.push(String(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(file, { force: true });
});

test.each([64, 128])('--size %d is a picture of so many pixels: an eighth of it in latents', async (px) => {
  expect(await main(['--config', config, '--size', String(px), '--json', file])).toBe(0);
  const request = { config: JSON.parse(readFileSync(config, 'utf8')), rank: 4, batch: 1 };
  const expected = planReport({ ...request, size: px / 8, activations: 'f32', recompute: 'auto' }).report;
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(expected);
});

test.each(['16', '130', '0', '-64', '12.5', 'large', '64px'])('--size %s is refused', async (size) => {
  expect(await main(['--config', config, `--size=${size}`])).toBe(1);
  expect(said.join()).toMatch(/^--size takes (pixels in steps of 32 for this U-Net, got|a whole number ≥ 1, got)/);
});

test('the help says so', async () => {
  expect(await main(['--help'])).toBe(0);
  expect(said.join()).toMatch(/--size N +side of the picture, px/);
});
