// sumRows: x (B, …, C) → its sum over all between the first and the last dimension, (B, C): the gradient of what was added to every pixel.
import type { Op } from '../graph/op.ts';
import { lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { sumGroup } from './conv2d-dw.ts';
import { need, widthOf } from './elementwise.ts';
import { operands } from './launch.ts';

/** y (B, C) in f32: thousands of f16 gradients overflow together sooner than alone. */
export const sumRows: Op = {
  name: 'sum-rows',
  shape: (inputs) => {
    const [x] = need('sum-rows', inputs, 'x');
    return { y: { shape: [x.shape[0] as number, lastDim(x.shape)], dtype: 'f32' } };
  },
  launches: ({ inputs, outputs }, target) => {
    const x = inputs.x as Tensor;
    const [images, channels] = [x.shape[0] as number, lastDim(x.shape)];
    const WIDTH = widthOf(channels);
    const { COLUMNS, LANES } = sumGroup(target);
    return [
      {
        shader: 'sum-rows',
        entry: 'main',
        defines: { WIDTH, COLUMNS, LANES },
        dims: { positions: numel(x.shape) / images / channels, row_units: channels / WIDTH },
        reads: operands(WIDTH, { x }),
        writes: operands(WIDTH, { y: outputs.y as Tensor }),
        workgroups: [Math.ceil(channels / WIDTH / COLUMNS), images, 1],
        flops: 0,
      },
    ];
  },
};
