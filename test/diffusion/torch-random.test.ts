// Seeds: the numbers of torch.randn, many at once and few, one call after another (tools/goldens/samplers.py).
import { beforeAll, expect, it } from 'vitest';
import { torchGenerator } from '../../src/diffusion/torch-random.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { openSafetensors } from '../../tools/golden-folder.ts';

let golden: SafetensorsFile;
beforeAll(async () => {
  golden = await openSafetensors('test/golden/randn.safetensors');
});

// Sizes below 16 and not divisible by it are among the draws. torch's own sin, cos and log are off by as much as 4e-6 on some processors.
it.each([0, 1, 42, 2 ** 32 - 1, 2 ** 32 + 7])('seed %s draws as PyTorch does', async (seed) => {
  const keys = golden.keys().filter((key) => key.startsWith(`${seed}.`));
  expect(keys.length).toBe(9);
  const generator = torchGenerator(seed);
  for (let i = 0; i < keys.length; i++) {
    const expected = await golden.float32(`${seed}.${i}`);
    const drawn = generator.randn(expected.length);
    const off = Math.max(...drawn.map((value, j) => Math.abs(value - expected[j]!)));
    expect(off, `draw ${i} of ${expected.length}`).toBeLessThanOrEqual(4e-6);
  }
});
