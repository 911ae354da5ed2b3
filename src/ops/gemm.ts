// gemm: a description of one matrix product → its launches (shaders/gemm.wgsl). Serves linear, conv2d and attention.
import type { DimValue, Launch, Operand, Target } from '../graph/op.ts';
import { lastDim, type Tensor } from '../tensor/tensor.ts';
import { formOf, tileColumns, tileDefines, tileRows } from './gemm-tiles.ts';
import { f32 } from './launch.ts';

/** A matrix operand: element (row, column) at base + image·batch + head·head + row·stride + column. All in elements. */
export interface MatrixView {
  tensor: Tensor;
  stride: number;
  base?: number;
  batch?: number;
  head?: number;
}
export interface Gemm {
  m: number;
  n: number;
  /** Length of the sum; of a convolution: channels, summed over nine taps. */
  k: number;
  /** row: a is (m, k). col: a is stored (k, m). conv, conv_dx: gathered from an image, see `image`. */
  aLayout: 'row' | 'col' | 'conv' | 'conv_dx';
  /** nk: b is (n, k). kn: (k, n). conv_dx: 3×3 weights (k, 3, 3, n). */
  bLayout: 'nk' | 'kn' | 'conv_dx';
  a: MatrixView;
  b: MatrixView;
  y: MatrixView;
  /** Products side by side (images × heads); each view says how far apart they lie. */
  batches?: { images: number; heads: number };
  /**
   * The image a gathers from (h, w, k) and the grid its rows run over; `step` is the convolution's stride. conv: the first window begins at
   * (top, left), which may be −1; `doubled`: h and w are twice the stored image's, whose every pixel is seen four times.
   */
  image?: {
    h: number;
    w: number;
    rowsH: number;
    rowsW: number;
    step: number;
    top?: number; // default −1: padding 1
    left?: number;
    doubled?: boolean;
  };
  alpha?: number;
  bias?: Tensor | undefined; // (n)
  rowBias?: Tensor | undefined; // (images, n)
  /** The sum goes on over `rank` more: (scale ·) h (m, rank) times low, which lies as b does: (n, rank) or (rank, n); scale (1). Not of a convolution. */
  lowRank?: { h: Tensor; low: Tensor; scale?: Tensor | undefined } | undefined;
  /** Multiplies the sum itself; not together with lowRank. */
  scale?: Tensor | undefined;
  addend?: Tensor | undefined; // (m, n)
  accumulate?: boolean;
}

const taps = (g: Gemm): number => (g.image ? 9 : 1);
const products = (g: Gemm): number => (g.batches ? g.batches.images * g.batches.heads : 1);

const rank = (g: Gemm): number => (g.lowRank ? lastDim(g.lowRank.h.shape) : 0);

export const gemmFlops = (g: Gemm): number => 2 * g.m * g.n * (g.k * taps(g) + rank(g)) * products(g);

/** One launch, or several over bands of rows when one would run too long. Split by output tile, never by k: sums keep their order. */
export function gemm(g: Gemm, target: Target): Launch[] {
  const form = formOf(target.gemmVariant(g.m, g.n, g.k * taps(g), products(g)), g.m, g.k, g.aLayout);
  const tile = tileRows(form);
  const aWidth = divisible(g, g.a, 4) ? 4 : 1;
  const bWidth = divisible(g, g.b, 4, taps(g) > 1 && g.bLayout === 'nk' ? g.k : 0) ? 4 : 1;
  const nWidth = divisible(g, g.y, 4) ? 4 : divisible(g, g.y, 2) ? 2 : 1;
  const hWidth = rank(g) % 4 === 0 ? 4 : 1;
  const lowWidth = (g.bLayout === 'nk' ? rank(g) : g.n) % 4 === 0 ? 4 : 1;
  const operand = (tensor: Tensor, width: 1 | 2 | 4): Operand => ({ tensor, width });
  const along = nWidth === 4 ? 4 : 1; // bias and row bias: read singly where rows are not whole vec4s
  const scale = g.scale ?? g.lowRank?.scale;
  const shared = {
    shader: 'gemm',
    entry: 'main',
    defines: {
      ...tileDefines(form, g.aLayout !== 'col', g.bLayout === 'nk'),
      A_LAYOUT: g.aLayout,
      B_LAYOUT: g.bLayout,
      A_WIDTH: aWidth,
      B_WIDTH: bWidth,
      N_WIDTH: nWidth,
      TAPS: taps(g),
      DOUBLED: g.image?.doubled === true,
      EXACT: aWidth === 4 && bWidth === 4 && g.k % (4 * form.QUADS) === 0,
      BATCHED: g.batches !== undefined,
      ALPHA: g.alpha !== undefined,
      SCALE_SUM: g.scale !== undefined,
      ...(g.lowRank && { H_WIDTH: hWidth, LOW_WIDTH: lowWidth, SCALE_LOW: g.lowRank.scale !== undefined }),
      ACCUMULATE: g.accumulate === true,
    },
    reads: {
      a: operand(g.a.tensor, aWidth),
      b: operand(g.b.tensor, bWidth),
      ...(g.bias && { bias: operand(g.bias, along) }),
      ...(g.rowBias && { row_bias: operand(g.rowBias, along) }),
      ...(g.lowRank && { h: operand(g.lowRank.h, hWidth), low: operand(g.lowRank.low, lowWidth) }),
      ...(scale && { scale: operand(scale, 1) }),
      ...(g.addend && { addend: operand(g.addend, nWidth) }),
    },
    writes: { y: operand(g.y.tensor, nWidth) },
  } as const;
  const tiles = Math.ceil(g.m / tile);
  const tileFlops = (gemmFlops(g) * tile) / g.m; // of one row of tiles: the least that a launch can do
  const bands = Math.ceil(tiles / Math.max(1, Math.floor(target.maxDispatchFlops / tileFlops)));
  const tilesPerBand = Math.ceil(tiles / bands);
  const launches: Launch[] = [];
  for (let first = 0; first < tiles; first += tilesPerBand) {
    const count = Math.min(tilesPerBand, tiles - first);
    const rows = Math.min(g.m, (first + count) * tile) - first * tile;
    launches.push({
      ...shared,
      dims: dims(g, first),
      workgroups: [Math.ceil(g.n / tileColumns(form)), count, products(g)],
      flops: (gemmFlops(g) * rows) / g.m,
    });
  }
  return launches;
}

/** vec4 access needs every row to start on a multiple of four; a row's padding, where it has some, must hold zeros (see attention.ts). */
function divisible(g: Gemm, v: MatrixView, by: number, contiguous = 0): boolean {
  const starts = [v.base ?? 0, ...(g.batches ? [v.batch ?? 0, v.head ?? 0] : [])];
  return [v.stride, ...starts, contiguous].every((d) => d % by === 0);
}

function dims(g: Gemm, firstTile: number): Record<string, DimValue> {
  const view = (name: string, v: MatrixView) => ({
    [`${name}_base`]: v.base ?? 0,
    [`${name}_batch`]: v.batch ?? 0,
    [`${name}_head`]: v.head ?? 0,
  });
  return {
    m: g.m,
    n: g.n,
    k: g.k,
    first_tile: firstTile,
    a_stride: g.a.stride,
    b_stride: g.b.stride,
    y_stride: g.y.stride,
    ...(g.batches && { heads: g.batches.heads, ...view('a', g.a), ...view('b', g.b), ...view('y', g.y) }),
    ...(g.image && {
      h: g.image.h,
      w: g.image.w,
      rows_h: g.image.rowsH,
      rows_w: g.image.rowsW,
      step: g.image.step,
    }),
    ...(g.image && g.aLayout === 'conv' && { top: g.image.top ?? -1, left: g.image.left ?? -1 }),
    ...(g.lowRank && { rank: rank(g) }),
    ...(g.alpha !== undefined && { alpha: f32(g.alpha) }),
  };
}
