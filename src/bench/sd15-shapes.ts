// How much a dispatch may be in; Stable Diffusion 1.5's main shapes at 512 px, forward and backward, out: whole, or a band of each for software adapters.
import { attention, attentionBackward } from '../ops/attention.ts';
import { conv2d, conv2dDx } from '../ops/conv2d.ts';
import { geglu } from '../ops/geglu.ts';
import { groupNorm, groupNormBackward } from '../ops/group-norm.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { linear, linearDx } from '../ops/linear.ts';
import { numel } from '../tensor/tensor.ts';
import type { Fill } from './bench-program.ts';
import { oneOp, unitVariance, type Workload } from './workload.ts';

/** Of a shape on a software adapter, about: a row of a picture may be more. */
const BAND_FLOPS = 0.4e9;

/** Rows of something that is computed row by row: all, or as many as a band has. */
const rowsOf = (all: number, flopsPerRow: number, band: boolean): number =>
  band ? Math.max(1, Math.min(all, Math.floor(BAND_FLOPS / flopsPerRow))) : all;
const banded = (name: string, rows: number, all: number, what: string): string =>
  rows < all ? `${name} (${rows} of ${all} ${what})` : name;

/** The levels' convolutions: side, channels in, channels out. */
const CONVOLUTIONS = [
  [64, 320, 320],
  [64, 640, 320],
  [32, 640, 640],
  [16, 1280, 1280],
  [8, 1280, 1280],
] as const;
/** Projections of tokens: how many, width in, width out. */
const PROJECTIONS = [
  [4096, 320, 320],
  [4096, 320, 2560],
  [4096, 1280, 320],
  [1024, 640, 640],
  [1024, 640, 5120],
  [256, 1280, 1280],
  [256, 1280, 10_240],
] as const;
/** Attentions of 8 heads: queries, keys, channels. */
const ATTENTIONS = [
  [4096, 4096, 320],
  [1024, 1024, 640],
  [256, 256, 1280],
  [4096, 77, 320],
] as const;
const HEADS = 8;

/** @param band a part of each, as a software adapter can bear it. Made one at a time: their values are large. */
export function sd15Shapes(band: boolean): readonly (() => Workload)[] {
  return [
    ...CONVOLUTIONS.flatMap(([side, i, o]) => {
      const rows = rowsOf(side, 2 * side * 9 * i * o, band);
      const name = (pass: string) => banded(`conv ${side}×${side}, ${i}→${o}, ${pass}`, rows, side, 'rows');
      const inputs = { x: [1, rows, side, i], w: [o, 3, 3, i] };
      const attrs = { stride: 1 };
      const back = { dy: [1, rows, side, o], w: inputs.w };
      const size = { ...attrs, height: rows, width: side };
      return [
        () => oneOp({ name: name('forward'), op: conv2d, inputs, weights: ['w'], attrs, outputs: ['y'] }),
        () => oneOp({ name: name('dx'), op: conv2dDx, inputs: back, weights: ['w'], attrs: size, outputs: ['dx'] }),
      ];
    }),
    ...PROJECTIONS.flatMap(([all, k, n]) => {
      const rows = rowsOf(all, 2 * k * n, band);
      const name = (pass: string) => banded(`linear [${all}×${k}]→${n}, ${pass}`, rows, all, 'rows');
      const weights = ['w'];
      const w = [n, k];
      return [
        () => oneOp({ name: name('forward'), op: linear, inputs: { x: [rows, k], w }, weights, outputs: ['y'] }),
        () => oneOp({ name: name('dx'), op: linearDx, inputs: { dy: [rows, n], w }, weights, outputs: ['dx'] }),
      ];
    }),
    ...ATTENTIONS.flatMap(([all, keys, c]) => {
      const rows = rowsOf(all, 14 * keys * c, band);
      const name = (pass: string) => banded(`attention ${all}×${keys}, d ${c / HEADS}, ${pass}`, rows, all, 'queries');
      const [q, k] = [
        [1, rows, c],
        [1, keys, c],
      ];
      const attrs = { heads: HEADS };
      const inputs = { q, k, v: k, lse: [1, HEADS, rows], dy: q };
      // The rows' log-sum-exp is their forward's: ln(keys) + ½ for scores of variance 1 is near it, and all that is timed.
      const fill: Fill = (t) => (t.name === 'lse' ? new Float32Array(numel(t.shape)).fill(Math.log(keys) + 0.5) : 1);
      const work = 8 * rows * keys * c; // the scores are computed again: not counted
      return [
        () => oneOp({ name: name('forward'), op: attention, inputs: { q, k, v: k }, attrs, outputs: ['y'] }),
        () =>
          oneOp({
            name: name('backward'),
            op: attentionBackward,
            inputs,
            attrs,
            outputs: ['dq', 'dk', 'dv'],
            work,
            fill,
          }),
      ];
    }),
    ...norms(band),
  ];
}

/** What has no product: told in bytes. */
function norms(band: boolean): readonly (() => Workload)[] {
  const [side, c, groups] = [64, 320, 32];
  const rows = band ? 16 : side;
  const part = (name: string): string => banded(name, rows, side, 'rows');
  const attrs = { groups, eps: 1e-5, silu: true };
  const picture = [1, rows, side, c];
  const tokens = [rows * side, c];
  const affine = { gamma: [c], beta: [c] };
  const statistics = { mean: [1, groups], rstd: [1, groups] };
  const weights = ['gamma', 'beta'];
  const plausible: Fill = (t) => {
    if (t.name === 'mean') return new Float32Array(groups);
    return t.name === 'rstd' ? new Float32Array(groups).fill(1) : unitVariance(t);
  };
  return [
    () =>
      oneOp({
        name: part(`GroupNorm + SiLU ${side}×${side}×${c}, forward`),
        ...{ op: groupNorm, inputs: { x: picture, ...affine }, weights, attrs, outputs: ['y'] },
      }),
    () =>
      oneOp({
        name: part(`GroupNorm + SiLU ${side}×${side}×${c}, backward`),
        op: groupNormBackward,
        inputs: { dy: picture, x: picture, ...affine, ...statistics },
        ...{ weights, attrs, outputs: ['dx'], fill: plausible },
      }),
    () =>
      oneOp({
        name: part(`LayerNorm ${side ** 2}×${c}, forward`),
        ...{ op: layerNorm, inputs: { x: tokens, ...affine }, weights, attrs: { eps: 1e-5 }, outputs: ['y'] },
      }),
    () =>
      oneOp({
        name: part(`GEGLU ${side ** 2}×${8 * c}, forward`),
        ...{ op: geglu, inputs: { x: [rows * side, 8 * c] }, outputs: ['y'] },
      }),
  ];
}
