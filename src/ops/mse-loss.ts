// mseLoss: pred, target (any one shape), state, lossWeight → loss (1) f32; its vjp starts the backward walk, scaled by the state's loss scale.
import type { Op } from '../graph/op.ts';
import { numel, type Tensor } from '../tensor/tensor.ts';
import { accumulate } from './add.ts';
import { elementwise, expectShape, need } from './elementwise.ts';
import { commonWidth, f32, operands } from './launch.ts';
import { STATE_SIZE, slotDefines } from './step-state.ts';

/** Workgroups of the first stage: each thread adds ≥ 4 units before anything is shared; 256 partials are one workgroup's second stage. */
const workgroups = (count: number): number => Math.min(256, Math.ceil(count / (4 * 256)));

/**
 * loss = mean((pred − target)²), unscaled and unweighted. Attrs: weight, this loss's share of the step's gradient (1 / micro-steps).
 * `state` and `lossWeight` (1), which may be absent, are read by the backward only: dpred = lossWeight · weight · lossScale · 2/n · (pred − target).
 */
export const mseLoss: Op = {
  name: 'mse-loss',
  shape: (inputs, attrs) => {
    const [pred, target, state] = need('mse-loss', inputs, 'pred', 'target', 'state');
    expectShape('mse-loss: target', target, pred.shape);
    expectShape('mse-loss: state', state, [STATE_SIZE]);
    if (!Number.isFinite(attrs.weight)) throw new Error(`mse-loss: weight must be a number, got ${attrs.weight}`);
    return { loss: { shape: [1], dtype: 'f32' } };
  },
  vjp: (g, { inputs: { pred, target, state, lossWeight }, attrs }, _d, back) => {
    const dpred = (): Tensor => g.emit(mseLossBackward, { pred, target, state, lossWeight }, attrs).dpred as Tensor;
    back.give('pred', (soFar) => accumulate(g, soFar, dpred()));
  },
  scratch: ({ inputs: { pred } }) => {
    const x = pred as Tensor;
    return { partials: { shape: [workgroups(numel(x.shape) / commonWidth(x))], dtype: 'f32' } };
  },
  launches: ({ inputs: { pred, target }, outputs: { loss, partials } }) => {
    const x = pred as Tensor;
    const width = commonWidth(x);
    const count = numel(x.shape) / width;
    const stages = workgroups(count);
    const first = elementwise(
      'mse-loss',
      'forward_partials',
      width,
      { count, stride: stages * 256 },
      { pred, target },
      {},
      {
        ENTRY: 'forward_partials',
        PARTIALS: true,
        GROUP: 256,
      },
    );
    const second = elementwise(
      'mse-loss',
      'forward_combine',
      1,
      { count: stages, values: f32(numel(x.shape)) },
      { partials },
      { loss },
      {
        ENTRY: 'forward_combine',
        GROUP: 256,
      },
    );
    return [
      { ...first, writes: operands(1, { partials }), workgroups: [stages, 1, 1] },
      { ...second, workgroups: [1, 1, 1] },
    ];
  },
};

/** dpred = lossWeight · weight · lossScale · 2/n · (pred − target). */
export const mseLossBackward: Op = {
  name: 'mse-loss-backward',
  shape: (inputs) => ({ dpred: { shape: need('mse-loss-backward', inputs, 'pred', 'target', 'state')[0].shape } }),
  launches: ({ inputs: { pred, target, state, lossWeight }, outputs: { dpred }, attrs }) => {
    const x = pred as Tensor;
    const width = commonWidth(x);
    const dims = { count: numel(x.shape) / width, factor: f32((Number(attrs.weight) * 2) / numel(x.shape)) };
    const launch = elementwise('mse-loss', 'backward', width, dims, { pred, target }, { dpred }, slotDefines);
    return [{ ...launch, reads: { ...launch.reads, ...operands(1, { state, loss_weight: lossWeight }) } }];
  },
};
