// bands: a picture's values (1, H, W, C) as tensors of whole rows, and the layers of a VAE over them. No tensor is larger than asked; no result changes.
import type { Graph } from '../graph/graph.ts';
import { BAND_ROWS, bandNorm, bandRows, bandStatistics, named } from '../ops/bands.ts';
import { conv2d } from '../ops/conv2d.ts';
import { bytesPer, type DType, lastDim, type Tensor } from '../tensor/tensor.ts';
import { linearLayer } from './lora.ts';

/** From top to bottom; one where it is small. */
export interface Banded {
  readonly bands: readonly Tensor[];
  readonly height: number;
  readonly width: number;
}
export const channelsOf = ({ bands }: Banded): number => lastDim((bands[0] as Tensor).shape);

/** Rows of each band of a picture as wide, so that none is larger than `bytes` with `channels`: always whole chunks of GroupNorm's statistics. */
export function rowsPerBand(width: number, channels: number, dtype: DType, bytes: number): number {
  const rows = Math.floor(bytes / (width * channels * bytesPer[dtype]));
  return Math.max(BAND_ROWS, rows - (rows % BAND_ROWS));
}

export interface Norm {
  name: string;
  groups: number;
  silu: boolean;
}
const EPSILON = 1e-6; // of every norm in the VAE (the U-Net's resnets have 1e-5)

/** The GroupNorm of a whole picture, applied to whichever rows are asked for: what a convolution reads of it exists a band at a time. */
export function normed(g: Graph, x: Banded, { name, groups, silu }: Norm): (first: number, rows: number) => Tensor {
  const c = channelsOf(x);
  const gamma = g.param(`${name}.weight`, [c], 'weight', 'f16');
  const beta = g.param(`${name}.bias`, [c], 'weight', 'f16');
  const { mean, rstd } = g.emit(bandStatistics, named(x.bands), { groups, eps: EPSILON });
  return (first, rows) =>
    g.emit(bandNorm, { ...named(x.bands), gamma, beta, mean, rstd }, { groups, silu, first, rows }).y as Tensor;
}

/** Rows of a picture as one tensor: the picture's own where they are all it has. */
const plain =
  (g: Graph, x: Banded) =>
  (first: number, rows: number): Tensor =>
    x.bands.length === 1 && rows === x.height
      ? (x.bands[0] as Tensor)
      : (g.emit(bandRows, named(x.bands), { first, rows }).y as Tensor);

export interface ConvOptions {
  /**
   * down: half the size, padded one row below and one column to the right (diffusers' Downsample2D with padding 0). up: twice the size; what it
   * reads of the doubled picture is not stored.
   */
  size?: 'same' | 'down' | 'up';
  norm?: Norm;
  addend?: Banded; // in bands of `rows`
  rows: number; // of each band of the result
  /** The tensor of each band of the result, where it exists. */
  output?: (band: number, shape: readonly number[]) => Tensor;
}

/** A 3 × 3 convolution by its diffusers name: x → o channels. A band reads its own rows and those above and below that its windows reach. */
export function conv(g: Graph, name: string, x: Banded, o: number, options: ConvOptions): Banded {
  const { size = 'same', norm, addend, rows: most, output } = options;
  const w = g.matrix(`${name}.weight`, [o, 3, 3, channelsOf(x)]);
  const bias = g.param(`${name}.bias`, [o], 'weight', 'f16');
  const source = norm ? normed(g, x, norm) : plain(g, x);
  const times = { same: 1, down: 0.5, up: 2 }[size];
  const [height, width] = [x.height * times, x.width * times];
  const padding = size === 'down' ? 0 : 1;
  const stride = size === 'down' ? 2 : 1;
  const bands: Tensor[] = [];
  for (let top = 0; top < height; top += most) {
    const rows = Math.min(most, height - top);
    // Rows that the windows reach, of x or of x doubled.
    const reach = [stride * top - padding, stride * (top + rows - 1) - padding + 3] as const;
    const scale = size === 'up' ? 2 : 1;
    const first = Math.floor(Math.max(0, reach[0]) / scale);
    const end = Math.min(x.height, Math.ceil(reach[1] / scale));
    const attrs = {
      ...{ stride, rows, columns: width, top: reach[0] - scale * first, left: -padding },
      ...(size === 'up' && { doubled: true }),
    };
    const at = bands.length;
    const inputs = { x: source(first, end - first), w, bias, addend: addend?.bands[at] };
    const y = output?.(at, [1, rows, width, o]);
    bands.push(g.emit(conv2d, inputs, attrs, y ? { y } : {}).y as Tensor);
  }
  return { bands, height, width };
}

/** A 1 × 1 convolution by its diffusers name. */
export const pointwise = (g: Graph, name: string, x: Banded, o: number): Banded => ({
  ...x,
  bands: x.bands.map((band) => linearLayer(g, name, band, o)),
});
