// Which weights can be q8, and how many bytes they take.
import { expect, test } from 'vitest';
import { byteLength, fitsQ8, numel } from '../../src/tensor/tensor.ts';

test('what fits: matrices and convolutions of whole blocks', () => {
  expect(
    [
      [320, 320],
      [320, 3, 3, 320],
      [64, 96],
    ].map(fitsQ8),
  ).toEqual([true, true, true]);
  expect([[320], [64, 40], [320, 3, 3, 4], [1, 96]].map(fitsQ8)).toEqual([false, false, false, false]);
  const shape = [320, 3, 3, 640];
  expect(byteLength({ shape, dtype: 'q8' })).toBe((numel(shape) / 64) * 68);
});
