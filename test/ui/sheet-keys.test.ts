// Keys on the contact sheet: seven photos in rows of three.
import { expect, test } from 'vitest';
import { nextIn } from '../../src/ui/photos/sheet-keys.ts';

test.each([
  ['ArrowRight', 0, 1],
  ['ArrowRight', 6, 6],
  ['ArrowLeft', 0, 0],
  ['ArrowLeft', 3, 2],
  ['ArrowDown', 1, 4],
  ['ArrowDown', 4, 6], // nothing right below: the end of the short last row
  ['ArrowDown', 6, 6],
  ['ArrowUp', 5, 2],
  ['ArrowUp', 2, 2],
  ['Home', 5, 0],
  ['End', 1, 6],
  ['a', 1, null],
] as const)('%s from %i leads to %s', (key, from, to) => {
  expect(nextIn(key, from, 7, 3)).toBe(to);
});
