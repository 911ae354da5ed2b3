// Shape rules of the ops that are no products: what does not fit is refused by name when the graph is built, and odd widths are stored f32.
import { expect, test } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { concat, slice } from '../../src/ops/concat.ts';
import { geglu } from '../../src/ops/geglu.ts';
import { groupNorm } from '../../src/ops/group-norm.ts';
import { layerNorm } from '../../src/ops/layer-norm.ts';
import { mseLoss } from '../../src/ops/mse-loss.ts';
import { adamw, gradNorm } from '../../src/ops/optimizer.ts';
import { upsampleNearest } from '../../src/ops/upsample-nearest.ts';

const g = new Graph('f16');
const temp = (...shape: number[]) => g.tensor('x', shape, 'temp', 'f16');

test('what does not fit is refused', () => {
  expect(() => g.emit(concat, { a: temp(2, 3, 4), b: temp(3, 3, 4) })).toThrow(/concat: a and b must agree/);
  expect(() => g.emit(slice, { x: temp(2, 8) }, { start: 6, length: 4 })).toThrow(/slice: 6 … 10/);
  expect(() => g.emit(geglu, { x: temp(2, 7) })).toThrow(/geglu: the last dimension must be even, got 2×7 f32/);
  const attrs = { groups: 4, eps: 1e-5, silu: true };
  expect(() => g.emit(groupNorm, { x: temp(1, 2, 2, 10), gamma: temp(10), beta: temp(10) }, attrs)).toThrow(
    /4 groups do not divide/,
  );
  expect(() => g.emit(groupNorm, { x: temp(1, 2, 2, 8), gamma: temp(10), beta: temp(8) }, attrs)).toThrow(
    /gamma: expected \[8\], got 10 f16/,
  );
  expect(() => g.emit(layerNorm, { x: temp(2, 8), gamma: temp(8) }, { eps: 1e-5 })).toThrow(
    /layer-norm: operand beta is missing; it got x, gamma/,
  );
  expect(() => g.emit(upsampleNearest, { x: temp(2, 8) }, { height: 4, width: 4 })).toThrow(/must be \(B, h, w, C\)/);
  expect(() => g.emit(mseLoss, { pred: temp(2, 8), target: temp(2, 6), state: temp(16) }, { weight: 1 })).toThrow(
    /target: expected \[2, 8\]/,
  );
  expect(() => g.emit(adamw, { state: temp(16), params: temp(8), grads: temp(8), m: temp(8), v: temp(6) })).toThrow(
    /adamw: .*expected \[8\]/,
  );
});

test('a pair of halves never comes from two places: odd widths make f32', () => {
  expect(g.emit(concat, { a: temp(2, 3), b: temp(2, 5) }).y).toMatchObject({ shape: [2, 8], dtype: 'f32' });
  expect(g.emit(concat, { a: temp(2, 4), b: temp(2, 6) }).y).toMatchObject({ shape: [2, 10], dtype: 'f16' });
  expect(g.emit(slice, { x: temp(2, 8) }, { start: 3, length: 4 }).y).toMatchObject({ dtype: 'f32' });
});

test('two stages: the norm of SD 1.5 at rank 4 keeps 195 workgroups busy, and no adapter needs more than 1024', () => {
  expect(g.emit(gradNorm, { grads: g.tensor('grads', [797_184], 'lora-grad') }).partials?.shape).toEqual([195, 2]);
  expect(g.emit(gradNorm, { grads: g.tensor('grads', [25_509_888], 'lora-grad') }).partials?.shape).toEqual([1024, 2]);
});
