// The chart's geometry: one x axis with the strip, ranges that only grow, a band that never moves.
import { describe, expect, test } from 'vitest';
import {
  bandRange,
  chartPaths,
  dotRange,
  lossBand,
  lossCsv,
  recentLoss,
  stepToX,
  toY,
  xToStep,
} from '../../src/ui/train/loss-chart.ts';
import { previewSteps } from '../../src/ui/train/presets.ts';

describe('x', () => {
  test('a cell’s centre is its step, also with a short last interval', () => {
    for (const cells of [previewSteps(700, 100), previewSteps(250, 100), previewSteps(40, 0)])
      cells.forEach((step, at) => {
        expect(stepToX(step, cells)).toBeCloseTo((at + 0.5) / cells.length);
      });
  });
  test('there and back', () => {
    const cells = previewSteps(250, 100);
    for (let step = 0; step <= 250; step += 10) expect(xToStep(stepToX(step, cells), cells)).toBe(step);
    expect(xToStep(-1, cells)).toBe(0);
    expect(xToStep(2, cells)).toBe(250);
  });
});

describe('y', () => {
  test('from 5 % below the lowest to 5 % above the first, growing only', () => {
    const first = dotRange([{ step: 0, loss: 0.2 }])!;
    expect(first.low).toBeCloseTo(0.19);
    expect(first.high).toBeCloseTo(0.21);
    const later = dotRange([
      { step: 0, loss: 0.2 },
      { step: 50, loss: 0.15 },
      { step: 100, loss: 0.3 },
    ])!;
    expect(later.low).toBeLessThanOrEqual(first.low);
    expect(later.high).toBeGreaterThan(0.3);
    expect(dotRange([])).toBeNull();
  });
  test('high is up', () => {
    expect(toY(1, { low: 0, high: 1 }, 100, 8)).toBe(8);
    expect(toY(0, { low: 0, high: 1 }, 100, 8)).toBe(92);
    expect(Number.isFinite(toY(1, { low: 1, high: 1 }, 100))).toBe(true);
  });
});

describe('band', () => {
  const losses = Array.from({ length: 400 }, (_, at) => 0.2 + 0.1 * Math.sin(at * 12.9898));
  test('what was drawn stays where it was as the run goes on', () => {
    const early = lossBand(losses.slice(0, 150), 700);
    expect(lossBand(losses, 700).slice(0, early.length)).toEqual(early);
  });
  test('low ≤ middle’s window ≤ high, never the raw zigzag, few points', () => {
    const points = lossBand(losses, 700);
    expect(points.length).toBeLessThanOrEqual(160);
    for (const at of points) expect(at.low).toBeLessThanOrEqual(at.high);
    const range = bandRange(points)!;
    expect(range.low).toBeGreaterThan(0.1);
    expect(range.high).toBeLessThan(0.3);
  });
  test('unknown steps are skipped', () => {
    const gap = losses.map((loss, at) => (at < 100 ? Number.NaN : loss));
    expect(lossBand(gap, 700)[0]!.step).toBeGreaterThan(100);
    expect(recentLoss([Number.NaN, 1, 3])).toBe(2);
    expect(recentLoss([])).toBeNull();
  });
});

test('paths: one mark a dot, the lowest marked once there are two', () => {
  const cells = previewSteps(300, 100);
  const dots = [
    { step: 0, loss: 0.2 },
    { step: 100, loss: 0.17 },
    { step: 200, loss: 0.18 },
  ];
  const { marks, dots: line, band } = chartPaths(dots, lossBand([], 300), cells, 800, 120);
  expect(marks.map((mark) => mark.best)).toEqual([false, true, false]);
  expect(line).toMatch(/^M100\.00 /);
  expect(band).toBe('');
  expect(chartPaths(dots.slice(0, 1), [], cells, 800, 120)).toMatchObject({ dots: '', marks: [{ best: false }] });
});

test('CSV has a row a step, from 0', () => {
  expect(lossCsv([0.5, Number.NaN], [{ step: 0, loss: 0.4 }])).toBe('step,loss,held_out_loss\n0,,0.4\n1,0.5,\n2,,\n');
});
