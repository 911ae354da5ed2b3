// conv2d: 3×3 convolution, stride 1 or 2, padding 1 unless its windows are said to begin elsewhere, as an implicit GEMM over x (B, H, W, I) and weights kept as (O, 3, 3, I).
import type { Node, Op, Tensors } from '../graph/op.ts';
import { describeTensor, lastDim, type Tensor } from '../tensor/tensor.ts';
import { accumulate } from './add.ts';
import { conv2dDw } from './conv2d-dw.ts';
import { type Gemm, gemm, gemmFlops } from './gemm.ts';
import { linearDw, linearDx } from './linear.ts';
import { sumRows } from './sum-rows.ts';

/** Output length of a 3-wide window with padding 1 (torch.nn.Conv2d). */
export const convLength = (length: number, stride: number): number => Math.floor((length - 1) / stride) + 1;

/**
 * y = conv(x, w) + bias (O) + rowBias (B, O) + scale · h lowᵀ + addend: the time embedding, an adapter's h (B, H', W', r) and low (O, r), and the
 * residual are added on the way out. attrs: { stride }, and
 * where x is a band of a picture or is padded on the right and bottom only, top and left: where the first window begins (−1: padding 1, the
 * default), with rows and columns of y. doubled: x is read twice as high and wide, each pixel four times (nearest upsample). What is read
 * outside of x is zero.
 */
export const conv2d: Op = {
  name: 'conv2d',
  shape: ({ x, w, rowBias }, { stride, doubled, rows, columns }) => {
    if (x?.shape.length !== 4 || w?.shape.length !== 4)
      throw new Error(
        `conv2d: expected x (B, H, W, I) and w (O, 3, 3, I), got ${x && describeTensor(x)} and ${w && describeTensor(w)}`,
      );
    const [b, h, width, i] = x.shape as [number, number, number, number];
    const [o, kh, kw, wi] = w.shape as [number, number, number, number];
    if (kh !== 3 || kw !== 3 || wi !== i)
      throw new Error(`conv2d: ${w.name} must be (O, 3, 3, ${i}) for ${describeTensor(x)}, it is ${describeTensor(w)}`);
    if (rowBias && lastDim(rowBias.shape) !== o)
      throw new Error(`conv2d: rowBias must be (${b}, ${o}), got ${describeTensor(rowBias)}`);
    if (stride !== 1 && stride !== 2) throw new Error(`conv2d ${w.name}: the stride is 1 or 2, got ${String(stride)}`);
    const length = (side: number): number => convLength(doubled ? 2 * side : side, Number(stride));
    return { y: { shape: [b, Number(rows ?? length(h)), Number(columns ?? length(width)), o] } };
  },
  vjp(g, { inputs, attrs }, { y: dy }, back) {
    const { x, w, h, low, scale } = inputs;
    if (!x || !w || !dy) return;
    if (attrs.top !== undefined || attrs.doubled)
      throw new Error(`conv2d ${w.name}: no gradient through bands, padding on one side or doubling`);
    const [, height, width] = x.shape as [number, number, number, number];
    const stride = attrs.stride as number;
    back.give('x', (addend) => g.emit(conv2dDx, { dy, w, addend }, { stride, height, width }).dx as Tensor);
    if (h && low && scale) {
      back.give('h', () => g.emit(linearDx, { dy, w: low, scale }).dx as Tensor);
      back.give('low', () => g.emit(linearDw, { dy, x: h, scale }, {}, { dw: g.gradOf(low) }).dw as Tensor);
    }
    back.give('w', () => g.emit(conv2dDw, { dy, x }, { stride }, { dw: g.gradOf(w) }).dw as Tensor);
    back.give('rowBias', (soFar) => accumulate(g, soFar, g.emit(sumRows, { x: dy }).y as Tensor));
    back.give('addend', (soFar) => accumulate(g, soFar, dy));
  },
  flops: (node) => gemmFlops(forward(node)),
  launches: (node, target) => gemm(forward(node), target),
};

function forward({ inputs, outputs, attrs }: Node): Gemm {
  const { x, w, bias, rowBias, h: hidden, low, scale, addend } = inputs as { x: Tensor; w: Tensor } & Partial<Tensors>;
  const y = outputs.y as Tensor;
  const [b, h, width, i] = x.shape as [number, number, number, number];
  const [, rowsH, rowsW, o] = y.shape as [number, number, number, number];
  const doubled = attrs.doubled === true;
  const [top, left] = [Number(attrs.top ?? -1), Number(attrs.left ?? -1)];
  const seen = doubled ? { h: 2 * h, w: 2 * width } : { h, w: width };
  return {
    m: b * rowsH * rowsW,
    n: o,
    k: i,
    aLayout: 'conv',
    bLayout: 'nk',
    a: { tensor: x, stride: i },
    b: { tensor: w, stride: 9 * i },
    y: { tensor: y, stride: o },
    image: { ...seen, rowsH, rowsW, step: Number(attrs.stride), top, left, doubled },
    bias,
    rowBias,
    lowRank: hidden && low && scale ? { h: hidden, low, scale } : undefined,
    addend,
  };
}

/** dx (B, height, width, I) = what each input pixel gave to dy (B, h, w, O), through the same weights (+ addend). attrs: { stride, height, width }. */
export const conv2dDx: Op = {
  name: 'conv2d-dx',
  shape: ({ dy, w }, { height, width }) => ({
    dx: { shape: [(dy as Tensor).shape[0] as number, Number(height), Number(width), lastDim((w as Tensor).shape)] },
  }),
  flops: (node) => gemmFlops(inputGradient(node)),
  launches: (node, target) => gemm(inputGradient(node), target),
};

function inputGradient({ inputs, outputs, attrs }: Node): Gemm {
  const { dy, w, addend } = inputs as { dy: Tensor; w: Tensor } & Partial<Tensors>;
  const [b, h, width, o] = dy.shape as [number, number, number, number];
  const i = lastDim(w.shape);
  const [rowsH, rowsW] = [Number(attrs.height), Number(attrs.width)];
  return {
    m: b * rowsH * rowsW,
    n: i,
    k: o,
    aLayout: 'conv_dx',
    bLayout: 'conv_dx',
    a: { tensor: dy, stride: o },
    b: { tensor: w, stride: i },
    y: { tensor: outputs.dx as Tensor, stride: i },
    image: { h, w: width, rowsH, rowsW, step: Number(attrs.stride) },
    addend,
  };
}
