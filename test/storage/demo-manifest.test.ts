// The committed demo model and its manifest: a model replaced without its manifest would be refused by every browser.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEMO_BYTES } from '../../src/storage/demo-bytes.ts';
import { checkManifest, totalBytes } from '../../src/storage/manifest.ts';

const folder = new URL('../../public/models/demo/', import.meta.url);

it('public/models/demo/manifest.json lists what is there (else run tools/demo-model/install.py, which writes it)', () => {
  const manifest = checkManifest(JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')), 'manifest.json');
  expect(totalBytes(manifest.files)).toBe(DEMO_BYTES);
  for (const { path, bytes, sha256 } of manifest.files) {
    const file = readFileSync(new URL(path, folder));
    expect([path, file.length, createHash('sha256').update(file).digest('hex')]).toEqual([path, bytes, sha256]);
  }
});
