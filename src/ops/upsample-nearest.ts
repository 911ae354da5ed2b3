// upsampleNearest: x (B, h, w, C) → y (B, height, width, C) by the nearest source.
import type { Attrs, Op } from '../graph/op.ts';
import { describeTensor, lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { elementwise, need } from './elementwise.ts';
import { commonWidth } from './launch.ts';

/**
 * y[b, Y, X] = x[b, ⌊Y·h/height⌋, ⌊X·w/width⌋], torch's interpolate(mode="nearest") to a given size. Attrs: height, width (of the output).
 */
export const upsampleNearest: Op = {
  name: 'upsample-nearest',
  shape: (inputs, attrs) => {
    const [x] = need('upsample-nearest', inputs, 'x');
    if (x.shape.length !== 4) throw new Error(`upsample-nearest: x must be (B, h, w, C), got ${describeTensor(x)}`);
    return { y: { shape: [x.shape[0]!, Number(attrs.height), Number(attrs.width), lastDim(x.shape)] } };
  },
  vjp: (g, { inputs: { x } }, { y: dy }, back) => {
    const [, height, width] = (x as Tensor).shape as [number, number, number, number];
    back.give('x', (addend) => g.emit(upsampleNearestBackward, { dy, addend }, { height, width }).dx as Tensor);
  },
  launches: ({ inputs: { x }, outputs: { y } }) => {
    const width = commonWidth(x as Tensor);
    const dims = { count: numel((y as Tensor).shape) / width, ...sizes(x as Tensor, y as Tensor, width) };
    return [elementwise('upsample-nearest', 'forward', width, dims, { x }, { y })];
  },
};

/** dx: the sum of dy over the outputs that copied each source (+ addend). Attrs: height, width (of dx). */
export const upsampleNearestBackward: Op = {
  name: 'upsample-nearest-backward',
  shape: (inputs, attrs: Attrs) => {
    const [dy] = need('upsample-nearest-backward', inputs, 'dy');
    return { dx: { shape: [dy.shape[0]!, Number(attrs.height), Number(attrs.width), lastDim(dy.shape)] } };
  },
  launches: ({ inputs: { dy, addend }, outputs: { dx } }) => {
    const width = commonWidth(dx as Tensor);
    const dims = { count: numel((dx as Tensor).shape) / width, ...sizes(dx as Tensor, dy as Tensor, width) };
    return [elementwise('upsample-nearest', 'backward', width, dims, { dy, addend }, { dx })];
  },
};

function sizes(small: Tensor, large: Tensor, unit: number) {
  const [, height, width, channels] = small.shape as [number, number, number, number];
  const [, out_height, out_width] = large.shape as [number, number, number, number];
  return { channels: channels / unit, height, width, out_height, out_width };
}
