// add: y = a + b, element by element.
import { accumulateWith } from '../graph/backward.ts';
import type { Op } from '../graph/op.ts';
import { describeTensor, numel, sameShape, type Tensor } from '../tensor/tensor.ts';
import { commonWidth, grid, operands } from './launch.ts';

export const add: Op = {
  name: 'add',
  shape: ({ a, b }) => {
    if (!a || !b || !sameShape(a.shape, b.shape))
      throw new Error(`add: a and b must have one shape, got ${a && describeTensor(a)} and ${b && describeTensor(b)}`);
    return { y: { shape: a.shape } };
  },
  vjp: (g, _node, { y: dy }, back) => {
    for (const name of ['a', 'b']) back.give(name, (soFar) => accumulate(g, soFar, dy as Tensor));
  },
  launches: ({ inputs: { a, b }, outputs: { y } }) => {
    const width = commonWidth(a as Tensor, b as Tensor, y as Tensor);
    const count = numel((y as Tensor).shape) / width;
    return [
      {
        shader: 'add',
        entry: 'forward',
        defines: { WIDTH: width },
        dims: { count },
        reads: operands(width, { a, b }),
        writes: operands(width, { y }),
        workgroups: grid(Math.ceil(count / 256)),
        flops: 0,
      },
    ];
  },
};

/** dx + soFar, for a vjp that cannot add on the fly. */
export const accumulate = accumulateWith(add);
