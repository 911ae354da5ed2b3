// bands: a picture (1, H, W, C) as tensors of whole rows, x0, x1 … from top to bottom → rows of it, its GroupNorm's statistics, rows of it normed.
import type { Launch, Node, Op, Tensors } from '../graph/op.ts';
import { describeTensor, lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { elementwise, expectShape, need, type Width, widthOf } from './elementwise.ts';
import { f32, grid } from './launch.ts';

/** Values a workgroup of the statistics' first stage reduces, as GroupNorm's; in whole rows, a power of two of them, at most MOST_ROWS. */
const CHUNK_VALUES = 4096;
/** Every band but the last has a multiple of so many rows: then the chunks, and with them every bit of the statistics, do not depend on the bands. */
export const BAND_ROWS = 8;

/** x0, x1 … of a node or of what shall be one. */
export function bandsOf(op: string, inputs: Tensors): Tensor[] {
  const bands: Tensor[] = [];
  for (let i = 0; inputs[`x${i}`]; i++) bands.push(inputs[`x${i}`] as Tensor);
  const [, , width, channels] = need(op, inputs, 'x0')[0].shape;
  bands.forEach((x, i) => {
    const last = i === bands.length - 1;
    const like = x.shape.length === 4 && x.shape[0] === 1 && x.shape[2] === width && x.shape[3] === channels;
    if (!like || (!last && rowsOf(x) % BAND_ROWS !== 0))
      throw new Error(
        `${op}: x${i} must be (1, rows, ${width}, ${channels})${last ? '' : `, rows a multiple of ${BAND_ROWS}`}, it is ${describeTensor(x)}`,
      );
  });
  return bands;
}
/** The operands' names for a picture's bands. */
export const named = (bands: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(bands.map((x, i) => [`x${i}`, x]));

const rowsOf = (x: Tensor): number => x.shape[1] as number;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** The rows first … first + rows: where each band's share begins in the band and in the result, in rows. */
function pieces(bands: readonly Tensor[], first: number, rows: number) {
  let top = 0;
  return bands.flatMap((x) => {
    const from = Math.max(first, top);
    const end = Math.min(first + rows, top + rowsOf(x));
    const piece = { x, xFirst: from - top, yFirst: from - first, rows: end - from };
    top += rowsOf(x);
    return piece.rows > 0 ? [piece] : [];
  });
}
function cut(op: string, inputs: Tensors, { first, rows }: Node['attrs']): readonly number[] {
  const bands = bandsOf(op, inputs);
  const [height, end] = [sum(bands.map(rowsOf)), Number(first) + Number(rows)];
  if (!(Number(first) >= 0 && Number(rows) >= 1 && end <= height))
    throw new Error(`${op}: rows ${first} … ${end} do not lie within ${height} rows`);
  const [, , width, channels] = (bands[0] as Tensor).shape as [number, number, number, number];
  return [1, Number(rows), width, channels];
}

/** y = rows first … first + rows of the picture, as one tensor of x's own type. Attrs: first, rows. */
export const bandRows: Op = {
  name: 'band-rows',
  shape: (inputs, attrs) => {
    const { dtype } = need('band-rows', inputs, 'x0')[0];
    return { y: { shape: cut('band-rows', inputs, attrs), ...(dtype !== 'q8' && dtype !== 'u32' && { dtype }) } };
  },
  launches: ({ inputs, outputs: { y }, attrs }) => {
    const outer = widthOf(lastDim((y as Tensor).shape));
    return pieces(bandsOf('band-rows', inputs), Number(attrs.first), Number(attrs.rows)).map((piece) =>
      elementwise('copy-rows', 'forward', outer, placed(piece, outer), { x: piece.x }, { y }),
    );
  },
};

/** What a piece copies, in units: see shaders/copy-rows.wgsl and group-norm.wgsl. */
function placed({ x, xFirst, yFirst, rows }: ReturnType<typeof pieces>[number], unit: number) {
  const row = ((x.shape[2] as number) * lastDim(x.shape)) / unit;
  return { count: rows * row, x_first: xFirst * row, y_first: yFirst * row };
}

/** mean and rstd (1, groups) of GroupNorm over the whole picture. Attrs: groups, eps. */
export const bandStatistics: Op = {
  name: 'band-statistics',
  shape: (inputs, { groups }) => {
    const [x] = bandsOf('band-statistics', inputs);
    if (lastDim((x as Tensor).shape) % Number(groups) !== 0)
      throw new Error(`band-statistics: ${groups} groups do not divide the channels of ${describeTensor(x as Tensor)}`);
    const one = { shape: [1, Number(groups)], dtype: 'f32' as const };
    return { mean: one, rstd: one };
  },
  scratch: (node) => ({ partials: { shape: [Number(node.attrs.groups), chunking(node).chunks, 2], dtype: 'f32' } }),
  launches: (node, target) => {
    const { groups, positions, chunkPositions, chunks, groupChannels, channels, bands } = chunking(node);
    const { partials, mean, rstd } = node.outputs;
    const inner = widthOf(groupChannels);
    const threads = Math.min(256, target.reductionThreads);
    const lanes = Math.min(threads, groupChannels / inner);
    const shared = { groups, chunk_positions: chunkPositions };
    const units = { group_units: groupChannels / inner, row_units: channels / inner };
    let firstChunk = 0;
    const partial = bands.map((x): Launch => {
      const here = numel(x.shape) / channels;
      const own = { positions: here, chunks: Math.ceil(here / chunkPositions) };
      const first = firstChunk;
      firstChunk += own.chunks;
      const dims = {
        ...{ ...shared, ...own, ...units, lanes, rows: Math.floor(threads / lanes) },
        ...{ count: groups * own.chunks, all_chunks: chunks, first_chunk: first },
      };
      const defines = { ...stage('partials'), GROUP: threads };
      return norm(inner, 'partials', dims, [{ x }, { partials }], defines, groups * own.chunks);
    });
    const dims = { count: groups, ...shared, positions, chunks, group_channels: groupChannels };
    const combine = norm(
      1,
      'combine',
      { ...dims, eps: f32(Number(node.attrs.eps)) },
      [{ partials }, { mean, rstd }],
      { ...stage('combine'), GROUP: Math.min(64, threads) },
      groups,
    );
    return [...partial, combine];
  },
};

/** y = rows first … first + rows of (x − mean)·rstd·gamma + beta, then SiLU where attrs.silu. Attrs: groups, silu, first, rows. */
export const bandNorm: Op = {
  name: 'band-norm',
  shape: (inputs, attrs) => {
    const shape = cut('band-norm', inputs, attrs);
    const [gamma, beta] = need('band-norm', inputs, 'gamma', 'beta', 'mean', 'rstd');
    expectShape('band-norm: gamma', gamma, [lastDim(shape)]);
    expectShape('band-norm: beta', beta, [lastDim(shape)]);
    return { y: { shape } };
  },
  launches: ({ inputs, outputs: { y }, attrs }) => {
    const { gamma, beta, mean, rstd } = inputs;
    const channels = lastDim((y as Tensor).shape);
    const [outer, groupChannels] = [widthOf(channels), channels / Number(attrs.groups)];
    return pieces(bandsOf('band-norm', inputs), Number(attrs.first), Number(attrs.rows)).map((piece) => {
      const place = placed(piece, outer);
      const sizes = { groups: Number(attrs.groups), row_units: channels / outer, group_channels: groupChannels };
      const dims = { ...place, ...sizes, positions: numel(piece.x.shape) / channels };
      const operands: [Tensors, Tensors] = [{ x: piece.x, gamma, beta, mean, rstd } as Tensors, { y } as Tensors];
      const defines = { ...stage('apply'), GROUP: 256, SILU: attrs.silu === true, SPLIT: groupChannels % outer !== 0 };
      return norm(outer, 'apply', dims, operands, defines, Math.ceil(place.count / 256));
    });
  },
};

function chunking({ inputs, attrs }: Node) {
  const bands = bandsOf('band-statistics', inputs);
  const [, , width, channels] = (bands[0] as Tensor).shape as [number, number, number, number];
  const groups = Number(attrs.groups);
  const groupChannels = channels / groups;
  const rows = Math.min(BAND_ROWS, Math.max(1, CHUNK_VALUES / groupChannels / width));
  const chunkPositions = width * 2 ** Math.floor(Math.log2(rows));
  const positions = width * sum(bands.map(rowsOf));
  return {
    bands,
    channels,
    groups,
    groupChannels,
    positions,
    chunkPositions,
    chunks: Math.ceil(positions / chunkPositions),
  };
}

const stage = (name: 'partials' | 'combine' | 'apply') => ({
  ...{ ENTRY: `forward_${name}`, FORWARD: true, [name.toUpperCase()]: true, BANDED: true, SILU: false },
});
const OWN_WIDTH: Record<string, Width> = { partials: 2, mean: 1, rstd: 1 };

/** A launch of shaders/group-norm.wgsl. */
function norm(
  width: Width,
  name: 'partials' | 'combine' | 'apply',
  dims: Launch['dims'] & { count: number },
  [reads, writes]: [Record<string, Tensor | undefined>, Record<string, Tensor | undefined>],
  defines: Launch['defines'],
  workgroups: number,
): Launch {
  const launch = elementwise('group-norm', `forward_${name}`, width, dims, reads, writes, defines);
  const own = (set: Launch['reads']): Launch['reads'] =>
    Object.fromEntries(Object.entries(set).map(([k, o]) => [k, { ...o, width: OWN_WIDTH[k] ?? o.width }]));
  return { ...launch, reads: own(launch.reads), writes: own(launch.writes), workgroups: grid(workgroups) };
}
