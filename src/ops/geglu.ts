// geglu: x (…, 2F) → y (…, F) = x[…, :F] · gelu(x[…, F:]).
import type { Op } from '../graph/op.ts';
import { describeTensor, lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { elementwise, expectShape, need, widthOf } from './elementwise.ts';

/** diffusers' GEGLU after its projection: `hidden_states, gate = x.chunk(2, -1)`, y = hidden_states · gelu(gate), gelu with erf. */
export const geglu: Op = {
  name: 'geglu',
  shape: (inputs) => {
    const [x] = need('geglu', inputs, 'x');
    if (lastDim(x.shape) % 2 !== 0) throw new Error(`geglu: the last dimension must be even, got ${describeTensor(x)}`);
    return { y: { shape: half(x) } };
  },
  vjp: (g, { inputs: { x } }, { y: dy }, back) => {
    back.give('x', (addend) => g.emit(gegluBackward, { x, dy, addend }).dx as Tensor);
  },
  launches: ({ inputs: { x }, outputs: { y } }) => {
    const { width, dims } = units(x as Tensor);
    return [elementwise('geglu', 'forward', width, dims, { x }, { y })];
  },
};

/** dx = [dy · gelu(gate), dy · hidden_states · gelu′(gate)] (+ addend). f32 where F is odd: one thread writes single values. */
export const gegluBackward: Op = {
  name: 'geglu-backward',
  shape: (inputs) => {
    const [x, dy] = need('geglu-backward', inputs, 'x', 'dy');
    expectShape('geglu-backward: dy', dy, half(x));
    return { dx: { shape: x.shape, ...(units(x).width === 1 && { dtype: 'f32' as const }) } };
  },
  launches: ({ inputs: { x, dy, addend }, outputs: { dx } }) => {
    const { width, dims } = units(x as Tensor);
    return [elementwise('geglu', 'backward', width, dims, { x, dy, addend }, { dx })];
  },
};

const half = (x: Tensor): readonly number[] => [...x.shape.slice(0, -1), lastDim(x.shape) / 2];

function units(x: Tensor) {
  const features = lastDim(x.shape) / 2;
  const width = widthOf(features);
  return { width, dims: { count: numel(x.shape) / 2 / width, half: features / width } };
}
