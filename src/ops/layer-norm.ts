// layerNorm: x (…, C), gamma, beta (C) → y like x, mean and rstd (rows), rows = all but the last dimension.
import type { Launch, Op, Target, Tensors } from '../graph/op.ts';
import { lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { expectShape, need } from './elementwise.ts';
import { commonWidth, f32, grid, operands } from './launch.ts';

/** y = (x − mean)·rstd·gamma + beta over the last dimension (torch.nn.LayerNorm). Attrs: eps. */
export const layerNorm: Op = {
  name: 'layer-norm',
  shape: (inputs) => {
    const [x, gamma, beta] = need('layer-norm', inputs, 'x', 'gamma', 'beta');
    expectShape('layer-norm: gamma', gamma, [lastDim(x.shape)]);
    expectShape('layer-norm: beta', beta, [lastDim(x.shape)]);
    const saved = { shape: [numel(x.shape) / lastDim(x.shape)], dtype: 'f32' as const };
    return { y: { shape: x.shape }, mean: saved, rstd: saved };
  },
  vjp: (g, { inputs: { x, gamma }, outputs: { mean, rstd } }, { y: dy }, back) => {
    back.give('x', (addend) => g.emit(layerNormBackward, { dy, x, gamma, mean, rstd, addend }).dx as Tensor);
  },
  launches: ({ inputs: { x, gamma, beta }, outputs: { y, mean, rstd }, attrs }, target) =>
    perRow(
      target,
      x as Tensor,
      'forward',
      { eps: f32(Number(attrs.eps)) },
      { x, gamma, beta },
      { y },
      { writes: { mean, rstd } },
    ),
};

/** dx = rstd·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)) (+ addend), dx̂ = gamma·dy, means over the row. */
export const layerNormBackward: Op = {
  name: 'layer-norm-backward',
  shape: (inputs) => {
    const [dy, x] = need('layer-norm-backward', inputs, 'dy', 'x', 'gamma', 'mean', 'rstd');
    expectShape('layer-norm-backward: dy', dy, x.shape);
    return { dx: { shape: x.shape } };
  },
  launches: ({ inputs: { dy, x, gamma, mean, rstd, addend }, outputs: { dx } }, target) =>
    perRow(target, x as Tensor, 'backward', {}, { dy, x, gamma, addend }, { dx }, { reads: { mean, rstd } }),
};

type Operands = Record<string, Tensor | undefined>;

/** A workgroup of 64 per row: SD 1.5's rows are 320 … 1280 wide, 80 … 320 units, and there are many of them where they are short. */
function perRow(
  target: Target,
  x: Tensor,
  entry: string,
  extra: Launch['dims'],
  reads: Operands,
  writes: Operands,
  statistics: { reads?: Operands; writes?: Tensors | Operands },
): Launch[] {
  const width = commonWidth(x);
  const row_units = lastDim(x.shape) / width;
  const count = numel(x.shape) / lastDim(x.shape);
  return [
    {
      shader: 'layer-norm',
      entry,
      defines: {
        WIDTH: width,
        GROUP: Math.min(64, target.reductionThreads),
        ENTRY: entry,
        [entry.toUpperCase()]: true,
      },
      dims: { count, row_units, ...extra },
      reads: { ...operands(width, reads), ...operands(1, statistics.reads ?? {}) },
      writes: { ...operands(width, writes), ...operands(1, statistics.writes ?? {}) },
      workgroups: grid(count),
      flops: 0,
    },
  ];
}
