// conv2d-dw: dy and x of a 3×3 convolution → the gradient of its weights, for adapters (shaders/conv-dw.wgsl).
import type { Launch, Op, Target } from '../graph/op.ts';
import { describeTensor, lastDim, type Tensor } from '../tensor/tensor.ts';
import { need, widthOf } from './elementwise.ts';
import { operands } from './launch.ts';

const TAPS = 9;

/** Channels and lanes of a workgroup of sums, 16 kB of them at most: where barriers are emulated one thread has a sum for itself. */
export const sumGroup = ({ reductionThreads }: Pick<Target, 'reductionThreads'>): { COLUMNS: number; LANES: number } =>
  reductionThreads >= 256 ? { COLUMNS: 16, LANES: 8 } : { COLUMNS: 64, LANES: 1 };

/**
 * dw (O, 3, 3, I) += Σ over pixels of dy (B, h, w, O) and of x (B, H, W, I) as each tap's window saw it, padding 1; added to what the gradient buffer
 * holds. attrs: { stride }.
 */
export const conv2dDw: Op = {
  name: 'conv2d-dw',
  shape: (inputs) => {
    const [dy, x] = need('conv2d-dw', inputs, 'dy', 'x');
    if (dy.shape.length !== 4 || x.shape.length !== 4 || dy.shape[0] !== x.shape[0])
      throw new Error(
        `conv2d-dw: expected dy (B, h, w, O) and x (B, H, W, I), got ${describeTensor(dy)} and ${describeTensor(x)}`,
      );
    return { dw: { shape: [lastDim(dy.shape), 3, 3, lastDim(x.shape)], dtype: 'f32' } };
  },
  flops: ({ inputs: { dy, x } }) => flops(dy as Tensor, lastDim((dy as Tensor).shape), x as Tensor),
  launches: ({ inputs, outputs, attrs }, target) => {
    const { dy, x } = inputs as { dy: Tensor; x: Tensor };
    const [images, out_height, out_width, outs] = dy.shape as [number, number, number, number];
    const [, height, width, channels] = x.shape as [number, number, number, number];
    const WIDTH = widthOf(channels);
    const QUADS = outs % 4 === 0;
    const OUTS = outs > 4 ? 8 : 4;
    const slices = TAPS * Math.ceil(outs / OUTS);
    const sliceFlops = flops(dy, OUTS, x) / TAPS;
    const most = Math.max(1, Math.floor(target.maxDispatchFlops / sliceFlops)); // split by output, never along a sum
    const { COLUMNS, LANES } = sumGroup(target);
    const launches: Launch[] = [];
    for (let first_slice = 0; first_slice < slices; first_slice += most) {
      const count = Math.min(most, slices - first_slice);
      launches.push({
        shader: 'conv-dw',
        entry: 'main',
        defines: { WIDTH, QUADS, OUTS, COLUMNS, LANES },
        dims: {
          ...{ positions: images * out_height * out_width, row_units: channels / WIDTH, first_slice },
          ...{ outs, out_units: QUADS ? outs / 4 : outs, out_height, out_width, height, width },
          step: Number(attrs.stride),
        },
        reads: { ...operands(QUADS ? 4 : 1, { dy }), ...operands(WIDTH, { x }) },
        writes: operands(WIDTH, { dw: outputs.dw as Tensor }),
        workgroups: [Math.ceil(channels / WIDTH / COLUMNS), count, 1],
        flops: (flops(dy, outs, x) * count) / slices,
      });
    }
    return launches;
  },
};

/** Of `outs` outputs. */
function flops(dy: Tensor, outs: number, x: Tensor): number {
  const [images, height, width] = dy.shape as [number, number, number];
  return 2 * TAPS * images * height * width * outs * lastDim(x.shape);
}
