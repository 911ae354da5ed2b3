// Where the moments of an 8-bit optimizer lie, and what they take of Stable Diffusion 1.5's adapters.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseUNetConfig } from '../../src/model/config.ts';
import { predictGraph } from '../../src/model/graphs.ts';
import { momentBytes, momentLayout } from '../../src/plan/moments.ts';
import { loraLayout } from '../../src/plan/plan.ts';

const config = parseUNetConfig(JSON.parse(readFileSync('test/golden/configs/sd15-unet.json', 'utf8')));
const paramsOf = (rank: number) =>
  predictGraph({ config, batch: 1, height: 64, width: 64, activations: 'f16', rank }).graph.tensors.filter(
    ({ kind }) => kind === 'lora',
  );

describe('moments of SD 1.5’s attention', () => {
  // 8 bytes a value in f32; 2 and a share of two absmax for 256 values in tensors of 4,096 and more.
  test.each([
    [4, 6.38, 3.81],
    [16, 25.5, 6.48],
  ])('rank %i: %d MB in f32, %d MB in 8 bits', (rank, whole, packed) => {
    const params = paramsOf(rank);
    const bytes = momentBytes(params);
    expect(Number((bytes.f32 / 1e6).toPrecision(3))).toBe(whole);
    expect(Number((bytes.packed / 1e6).toPrecision(3))).toBe(packed);
    expect(4 * momentLayout(params, loraLayout(params)).words).toBe(bytes.packed);
  });
});

test('blocks begin anew at each tensor, share nothing, and small tensors stay f32', () => {
  const params = [
    { name: 'a', shape: [3, 1367] }, // 4101: sixteen whole blocks and one of five
    { name: 'b', shape: [4, 100] },
    { name: 'c', shape: [64, 64] },
  ];
  const layout = loraLayout(params);
  const { blocks, words } = momentLayout(params, layout);
  const rows = Array.from({ length: blocks.length / 4 }, (_, i) => [...blocks.subarray(4 * i, 4 * i + 4)]);
  expect(rows.length).toBe(17 + 2 + 16);
  expect(rows[16]).toEqual([16 * 256, 5, 16 * 130, 1]);
  expect(rows[17]).toEqual([layout.offsets.get('b')! / 4, 256, 16 * 130 + 6, 0]);
  expect(rows[18]).toEqual([layout.offsets.get('b')! / 4 + 256, 144, 16 * 130 + 6 + 512, 0]);
  expect(rows[19]).toEqual([layout.offsets.get('c')! / 4, 256, 16 * 130 + 6 + 800, 1]);
  expect(words).toBe(16 * 130 + 6 + 800 + 16 * 130);
  expect(momentBytes(params)).toEqual({ packed: 4 * words, f32: 8 * (4101 + 400 + 4096) });
});
