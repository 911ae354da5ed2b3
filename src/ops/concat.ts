// concat: a (…, A), b (…, B) → y (…, A + B); slice: x (…, C) → y (…, length), its way back.
import type { Op } from '../graph/op.ts';
import { describeTensor, lastDim, numel, sameShape, type Tensor } from '../tensor/tensor.ts';
import { elementwise, need, widthOf } from './elementwise.ts';

/**
 * y = [a, b] along the last dimension; the leading dimensions must agree. Skip connections meet here.
 * y is f32 where a or b has an odd width: a pair of its values would come from both.
 */
export const concat: Op = {
  name: 'concat',
  shape: (inputs) => {
    const [a, b] = need('concat', inputs, 'a', 'b');
    const leading = a.shape.slice(0, -1);
    if (!sameShape(leading, b.shape.slice(0, -1))) {
      throw new Error(
        `concat: a and b must agree but for their last dimension, got ${describeTensor(a)} and ${describeTensor(b)}`,
      );
    }
    const odd = widthOf(lastDim(a.shape), lastDim(b.shape)) === 1;
    return { y: { shape: [...leading, lastDim(a.shape) + lastDim(b.shape)], ...(odd && { dtype: 'f32' as const }) } };
  },
  vjp: (g, { inputs: { a, b } }, { y: dy }, back) => {
    const aWidth = lastDim((a as Tensor).shape);
    const give = (name: string, start: number, length: number): void =>
      back.give(name, (addend) => g.emit(slice, { x: dy, addend }, { start, length }).y as Tensor);
    give('a', 0, aWidth);
    give('b', aWidth, lastDim((b as Tensor).shape));
  },
  launches: ({ inputs: { a, b }, outputs: { y } }) => {
    const [aWidth, bWidth] = [lastDim((a as Tensor).shape), lastDim((b as Tensor).shape)];
    const width = widthOf(aWidth, bWidth);
    const dims = { count: numel((y as Tensor).shape) / width, a_width: aWidth / width, b_width: bWidth / width };
    return [elementwise('concat', 'forward', width, dims, { a, b }, { y })];
  },
};

/**
 * y = x[…, start : start + length] (+ addend). Attrs: start, length, in elements of the last dimension.
 * y is f32 where start or length is odd.
 */
export const slice: Op = {
  name: 'slice',
  shape: (inputs, attrs) => {
    const [x] = need('slice', inputs, 'x');
    const [start, length] = [Number(attrs.start), Number(attrs.length)];
    if (!(start >= 0 && length >= 1 && start + length <= lastDim(x.shape))) {
      throw new Error(
        `slice: ${start} … ${start + length} does not lie within the last dimension of ${describeTensor(x)}`,
      );
    }
    const odd = widthOf(lastDim(x.shape), start, length) === 1;
    return { y: { shape: [...x.shape.slice(0, -1), length], ...(odd && { dtype: 'f32' as const }) } };
  },
  launches: ({ inputs: { x, addend }, outputs: { y }, attrs }) => {
    const [start, length, xWidth] = [Number(attrs.start), Number(attrs.length), lastDim((x as Tensor).shape)];
    const width = widthOf(start, length, xWidth);
    const dims = {
      count: numel((y as Tensor).shape) / width,
      start: start / width,
      length: length / width,
      x_width: xWidth / width,
    };
    return [elementwise('concat', 'backward', width, dims, { x, addend }, { y })];
  },
};
