// The parts of the full-size check that judge: they must be able to say no.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Distance } from '../../tools/check-sd15/errors.ts';
import { readOptions } from '../../tools/check-sd15/options.ts';
import { row } from '../../tools/check-sd15/row.ts';
import { type Served, serve } from '../../tools/check-sd15/serve.ts';
import { differing } from '../../tools/check-sd15/uploads.ts';
import { hashWrites } from '../../tools/check-sd15/write-digests.ts';

test('relative L2 and cosine, over several arrays', () => {
  const d = new Distance()
    .add(Float32Array.of(3, 0), Float32Array.of(3, 4))
    .add(Float32Array.of(2), Float32Array.of(0));
  expect(d.relL2).toBeCloseTo(Math.sqrt(16 + 4) / 5, 12);
  expect(d.cosine).toBeCloseTo(9 / (Math.sqrt(13) * 5), 12);
  expect(() => d.add(new Float32Array(1), new Float32Array(2))).toThrow(/expected 2 values, got 1/);
});

test('nothing passes against a reference of zeros, nor with a NaN', () => {
  expect(row('x', new Distance().add(new Float32Array(2), new Float32Array(2)).relL2, '≤', 1).passed).toBe(false);
  expect(row('x', new Distance().add(Float32Array.of(Number.NaN), Float32Array.of(1)).relL2, '≤', 1).passed).toBe(
    false,
  );
  expect(row('told only', Number.NaN).passed).toBe(false);
  expect([row('a', 2, '≤', 1), row('a', 1, '≥', 2), row('a', 1, '=', 2)].some((r) => r.passed)).toBe(false);
});

test('a misspelt option is named', () => {
  expect(() => readOptions(['--size', '300'])).toThrow(/--size takes 256 or 384 or 512, got “300”/);
  expect(readOptions(['--weights', 'int8'])).toMatchObject({ weights: 'int8', activations: 'f16', size: 512 });
});

test('buffers that differ, or are on one side only', () => {
  const of = (...entries: [string, string][]) => new Map(entries);
  expect(differing(of(['a', '1'], ['b', '2']), of(['a', '1'], ['b', '3'], ['c', '4']))).toEqual(['b', 'c']);
});

test('what is written to the buffers that matter is hashed, piece by piece', () => {
  let written = 0;
  const device = {
    createBuffer: () => ({}),
    queue: { writeBuffer: () => void written++ },
  } as unknown as GPUDevice;
  const { digests } = hashWrites(device, (label) => label === 'weight');
  const a = device.createBuffer({ label: 'weight', size: 8, usage: 0 });
  const b = device.createBuffer({ label: 'other', size: 100, usage: 0 });
  device.queue.writeBuffer(a, 0, Uint8Array.of(9, 1, 2, 9), 1, 2);
  device.queue.writeBuffer(b, 50, Uint8Array.of(9));
  device.queue.writeBuffer(a, 2, Uint16Array.of(0x0403));
  expect(written).toBe(3);
  // sha256 of 01 02 03 04
  expect([...digests()]).toEqual([['weight', '9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a']]);
  expect(() => device.queue.writeBuffer(a, 0, new Uint8Array(4))).toThrow(/weight: written at 0, expected 4/);
});

describe('the server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-serve-'));
  let served: Served;
  const get = (path: string, range?: string) =>
    fetch(new URL(path, served.url), range ? { headers: { Range: range } } : {});
  beforeAll(async () => {
    writeFileSync(join(folder, 'file'), '0123456789');
    served = await serve(folder);
  });
  afterAll(() => {
    served.close();
    rmSync(folder, { recursive: true });
  });

  test('gives a file whole and in ranges', async () => {
    expect(await (await get('file')).text()).toBe('0123456789');
    const middle = await get('file', 'bytes=2-4');
    expect([middle.status, middle.headers.get('Content-Range'), await middle.text()]).toEqual([
      206,
      'bytes 2-4/10',
      '234',
    ]);
    expect(await (await get('file', 'bytes=7-')).text()).toBe('789');
    expect(await (await get('file', 'bytes=7-99')).text()).toBe('789');
  });

  test('refuses what is not there', async () => {
    expect((await get('file', 'bytes=10-')).status).toBe(416);
    expect((await get('other')).status).toBe(404);
    expect((await get('%2e%2e/etc')).status).toBe(404);
  });
});
