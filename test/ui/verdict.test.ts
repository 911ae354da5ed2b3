// UX §6: what the held-out dots say.
import { expect, test } from 'vitest';
import { gain, verdict } from '../../src/ui/train/verdict.ts';

const dots = (...losses: number[]) => losses.map((loss, at) => ({ step: at * 100, loss }));

test('fewer than three dots say nothing', () => {
  expect(verdict([])).toEqual({ kind: 'too-early' });
  expect(verdict(dots(0.16, 0.15))).toEqual({ kind: 'too-early' });
});
test('the newest is the lowest', () => {
  expect(verdict(dots(0.164, 0.15, 0.14))).toEqual({ kind: 'closer', best: 200 });
});
test('two dots within 1 % of the best: settled', () => {
  expect(verdict(dots(0.164, 0.12, 0.1205, 0.1208))).toEqual({ kind: 'settled', best: 100 });
});
test('two dots 2 % or more above the best: past it', () => {
  expect(verdict(dots(0.164, 0.12, 0.1224, 0.13))).toEqual({ kind: 'past-best', best: 100 });
});
test('one dot above the best, or two between the bars: no claim yet', () => {
  expect(verdict(dots(0.164, 0.12, 0.13))).toEqual({ kind: 'wavering', best: 100 });
  expect(verdict(dots(0.164, 0.12, 0.1218, 0.1218))).toEqual({ kind: 'wavering', best: 100 });
});
test('a run that never got below its start did not learn', () => {
  expect(verdict(dots(0.16, 0.161, 0.17))).toEqual({ kind: 'not-learning' });
});
test('the gain is measured against step 0', () => {
  expect(gain(dots(0.2, 0.18, 0.19))).toBeCloseTo(0.1);
  expect(gain([{ step: 100, loss: 0.1 }])).toBeNull();
});
