// The bench's workloads and their plain twins: what is off is told by name; the training step's gradients are those of finite differences.
import { describe, expect, test } from 'vitest';
import { digits, type Row } from '../../src/bench/report.ts';
import { sd15Shapes } from '../../src/bench/sd15-shapes.ts';
import { oneOp } from '../../src/bench/workload.ts';
import { PROJECTIONS, stepFlops, stepWorkload } from '../../src/bench/workloads.ts';
import { attentionBackward } from '../../src/ops/attention.ts';
import { linear } from '../../src/ops/linear.ts';
import { oihw, swapped, transposed } from '../../tools/bench/peer.ts';
import { expectedOf, withForward, wrong } from '../../tools/bench/plain.ts';
import { comparedTable, ratioOf } from '../../tools/bench/ratios.ts';

const small = () =>
  oneOp({ name: 'small', op: linear, inputs: { x: [3, 4], w: [2, 4] }, weights: ['w'], outputs: ['y'] });

describe('a result', () => {
  const workload = small();
  const expected = expectedOf(workload);
  const y = Float32Array.from(expected.get('y') ?? []);
  test('as plain JavaScript has it is right', () => expect(wrong(new Map([['y', y]]), expected)).toBeNull());
  test('with one number off by a hundredth is wrong, by name', () =>
    expect(wrong(new Map([['y', y.with(2, (y[2] ?? 0) + 0.01)]]), expected)).toMatch(/^y: rel\. L2/));
  test('that is not a number is wrong', () =>
    expect(wrong(new Map([['y', y.with(0, Number.NaN)]]), expected)).toMatch(/^y: rel\. L2 NaN/));
  test('that is missing or of another length is wrong', () => {
    expect(wrong(new Map(), expected)).toBe('y: expected 6 values, got none');
    expect(wrong(new Map([['y', y.slice(1)]]), expected)).toBe('y: expected 6 values, got 5');
  });
});

test('weights and inputs are the same at every call, and weights are what f16 holds', () => {
  expect(small().values).toEqual(small().values);
  const w = small().values.get('w') as Float32Array;
  expect(w.some((value) => value !== 0)).toBe(true);
  expect(w.every((value) => Math.abs((value * 2 ** 13) % 1) < 1e-9 || Math.abs(value) < 0.25)).toBe(true);
});

test('a backward attention is checked with the log-sum-exp of its own scores', () => {
  const shape = [1, 2, 4];
  const inputs = { q: shape, k: shape, v: shape, lse: [1, 2, 2], dy: shape };
  const made = withForward(oneOp({ name: 'b', op: attentionBackward, inputs, attrs: { heads: 2 }, outputs: ['dq'] }));
  const [q, k] = [made.values.get('q') as Float32Array, made.values.get('k') as Float32Array];
  const score = (t: number, s: number) =>
    ((q[4 * t] as number) * (k[4 * s] as number) + (q[4 * t + 1] as number) * (k[4 * s + 1] as number)) / Math.SQRT2;
  expect(made.values.get('lse')?.[1]).toBeCloseTo(Math.log(Math.exp(score(1, 0)) + Math.exp(score(1, 1))), 5);
});

test('the training step: its plans are the op graphs, and its useful FLOPs less than what they compute', () => {
  const { graphs, work, results } = stepWorkload();
  const computed = (graphs.train?.graph.nodes ?? []).reduce((sum, node) => sum + (node.op.flops?.(node) ?? 0), 0);
  expect(work).toBe(stepFlops());
  expect(computed / work).toBeGreaterThan(1);
  expect(computed / work).toBeLessThan(1.2); // attention's scores are computed again
  expect(results.map(({ name }) => name)).toContain('d to_out.0.lora.up');
  expect(results).toHaveLength(2 + 4 * PROJECTIONS.length);
});

test('Stable Diffusion 1.5’s shapes have bands of at most a row more than a software adapter bears', () => {
  const bands = sd15Shapes(true);
  expect(bands).toHaveLength(sd15Shapes(false).length);
});

test('layouts', () => {
  expect([...transposed([1, 2, 3, 4, 5, 6], 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
  expect([...swapped([1, 2, 3, 4, 5, 6, 7, 8], 2, 2, 2)]).toEqual([1, 2, 5, 6, 3, 4, 7, 8]);
  const w = Float32Array.from({ length: 18 }, (_, i) => i); // (1, 3, 3, 2)
  expect([...oihw(w, 1, 2)]).toEqual([...transposed(w, 9, 2)]);
});

const row = (candidate: string, median: number | null, note?: string): Row => ({
  ...{ name: 'GEMM', work: 2e9, unit: 'FLOP', candidate },
  figure: median === null ? null : { median, spread: 0.02, rounds: 5 },
  ...(note !== undefined && { note }),
});
test('the ratio is to the best that is right; a wrong one is shown as wrong', () => {
  const rows = [row('Darkroom', 100), row('fast but wrong', null, 'wrong: y'), row('right', 250), row('slow', 900)];
  expect(ratioOf(rows)).toBe(2.5);
  expect(ratioOf([row('Darkroom', 100), row('other', null, 'cannot')])).toBeNull();
  const shown = comparedTable(rows, { flopsPerMs: 100e6, copyBytesPerMs: 1, emptyMs: 1 });
  expect(shown).toContain('| wrong |'.slice(1));
  expect(shown).toContain('2.50 ×');
  expect(shown).toContain('20 %');
});
test.each([
  [0.01234, '0.0123'],
  [1.5, '1.50'],
  [1234.5, '1,235'],
  [0, '0'],
])('three digits that count: %d', (value, text) => expect(digits(value)).toBe(text));
