// In: dist/. Out: what a newcomer waits for before the first paint is small, and what a host needs is there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';
import { root } from '../../tools/packages.mjs';

const dist = join(root, 'dist');
const page = () => readFileSync(join(dist, 'index.html'), 'utf8');

test('the scripts before the first paint are at most 150 KB, compressed', () => {
  const scripts = [...page().matchAll(/(?:src|href)="\.\/([^"]+\.js)"/g)].map((found) => found[1] as string);
  expect(scripts.length).toBeGreaterThan(1);
  const bytes = scripts.reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0);
  expect(bytes).toBeLessThanOrEqual(150_000);
});

test('nothing in the page names a place from the root of a host, and the service worker keeps its name', () => {
  expect(page()).not.toMatch(/(?:src|href|content)="\/(?!\/)/);
  expect(existsSync(join(dist, 'sw.js'))).toBe(true); // who has an earlier version asks for it
  const manifest = JSON.parse(readFileSync(join(dist, 'manifest.webmanifest'), 'utf8'));
  expect([manifest.start_url, manifest.scope]).toEqual(['./', './']);
});
