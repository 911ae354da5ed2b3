// silu: x → y = x · sigmoid(x), element by element.
import type { Op } from '../graph/op.ts';
import { numel, type Tensor } from '../tensor/tensor.ts';
import { elementwise, expectShape, need } from './elementwise.ts';
import { commonWidth } from './launch.ts';

/** y = x · σ(x), any shape (torch.nn.functional.silu). */
export const silu: Op = {
  name: 'silu',
  shape: (inputs) => ({ y: { shape: need('silu', inputs, 'x')[0].shape } }),
  vjp: (g, { inputs: { x } }, { y: dy }, back) => {
    back.give('x', (addend) => g.emit(siluBackward, { x, dy, addend }).dx as Tensor);
  },
  launches: ({ inputs: { x }, outputs: { y } }) => {
    const width = commonWidth(x as Tensor);
    return [elementwise('silu', 'forward', width, { count: numel((x as Tensor).shape) / width }, { x }, { y })];
  },
};

/** dx = dy · (σ + x σ (1 − σ)) (+ addend). */
export const siluBackward: Op = {
  name: 'silu-backward',
  shape: (inputs) => {
    const [x, dy] = need('silu-backward', inputs, 'x', 'dy');
    expectShape('silu-backward: dy', dy, x.shape);
    return { dx: { shape: x.shape } };
  },
  launches: ({ inputs: { x, dy, addend }, outputs: { dx } }) => {
    const width = commonWidth(x as Tensor);
    const dims = { count: numel((x as Tensor).shape) / width };
    return [elementwise('silu', 'backward', width, dims, { x, dy, addend }, { dx })];
  },
};
