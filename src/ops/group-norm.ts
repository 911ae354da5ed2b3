// groupNorm: x (B, …, C), gamma, beta (C) → y like x, mean and rstd (B, groups); SiLU fused where asked.
import type { Launch, Node, Op, Target } from '../graph/op.ts';
import { describeTensor, lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { elementwise, expectShape, need, type Width, widthOf } from './elementwise.ts';
import { f32, grid } from './launch.ts';

/** Values one workgroup of the first stage reduces: 16 a thread, so that SD 1.5's smallest groups (10 × 4096) still make 320 workgroups. */
const CHUNK_VALUES = 4096;

/**
 * y = (x − mean)·rstd·gamma + beta, mean and variance over all positions and the C / groups channels of a group (torch.nn.GroupNorm,
 * channels last), then SiLU where attrs.silu. Attrs: groups, eps, silu.
 */
export const groupNorm: Op = {
  name: 'group-norm',
  shape: (inputs, attrs) => {
    const [x, gamma, beta] = need('group-norm', inputs, 'x', 'gamma', 'beta');
    const [channels, groups] = [lastDim(x.shape), Number(attrs.groups)];
    if (channels % groups !== 0)
      throw new Error(`group-norm: ${groups} groups do not divide the channels of ${describeTensor(x)}`);
    expectShape('group-norm: gamma', gamma, [channels]);
    expectShape('group-norm: beta', beta, [channels]);
    const saved = { shape: [x.shape[0]!, groups], dtype: 'f32' as const };
    return { y: { shape: x.shape }, mean: saved, rstd: saved };
  },
  vjp: (g, { inputs: { x, gamma, beta }, outputs: { mean, rstd }, attrs }, { y: dy }, back) => {
    back.give(
      'x',
      (addend) => g.emit(groupNormBackward, { dy, x, gamma, beta, mean, rstd, addend }, attrs).dx as Tensor,
    );
  },
  scratch: partials,
  launches: (node, target) => {
    const { x, gamma, beta } = node.inputs;
    const { y, mean, rstd, partials } = node.outputs;
    return stages(node, target, 'forward', {
      partials: [{ x }, { partials }],
      combine: [{ partials }, { mean, rstd }],
      apply: [{ x, gamma, beta, mean, rstd }, { y }],
    });
  },
};

/** dx = rstd·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂)) (+ addend) with dx̂ = gamma·dy (through SiLU where fused); means over a group. */
export const groupNormBackward: Op = {
  name: 'group-norm-backward',
  shape: (inputs) => {
    const [dy, x] = need('group-norm-backward', inputs, 'dy', 'x', 'gamma', 'beta', 'mean', 'rstd');
    expectShape('group-norm-backward: dy', dy, x.shape);
    return { dx: { shape: x.shape } };
  },
  scratch: (node) => {
    const [batch, groups] = (node.inputs.mean as Tensor).shape as [number, number];
    return { ...partials(node), stats: { shape: [batch, groups, 4], dtype: 'f32' } };
  },
  launches: (node, target) => {
    const { dy, x, gamma, beta, mean, rstd, addend } = node.inputs;
    const { dx, partials, stats } = node.outputs;
    const silu = node.attrs.silu ? { beta } : {}; // without SiLU beta has no say in the gradient
    return stages(node, target, 'backward', {
      partials: [{ dy, x, gamma, ...silu, mean, rstd }, { partials }],
      combine: [{ partials, mean, rstd }, { stats }],
      apply: [{ dy, x, gamma, ...silu, stats, addend }, { dx }],
    });
  },
};

function sizes(node: Node) {
  const x = node.inputs.x as Tensor;
  const [batch, channels, groups] = [x.shape[0]!, lastDim(x.shape), Number(node.attrs.groups)];
  const positions = numel(x.shape) / batch / channels;
  const groupChannels = channels / groups;
  const chunkPositions = Math.min(positions, Math.ceil(CHUNK_VALUES / groupChannels));
  return {
    channels,
    groups,
    positions,
    groupChannels,
    chunkPositions,
    norms: batch * groups,
    chunks: Math.ceil(positions / chunkPositions),
  };
}

function partials(node: Node) {
  const { norms, chunks } = sizes(node);
  return { partials: { shape: [norms, chunks, 2], dtype: 'f32' as const } };
}

type Operands = Record<string, Tensor | undefined>;
const OWN_WIDTH: Record<string, Width> = { partials: 2, stats: 4, mean: 1, rstd: 1 };

/** The three dispatches of either direction: partial sums per chunk, chunks combined per group, applied to every element. */
function stages(
  node: Node,
  target: Target,
  direction: 'forward' | 'backward',
  use: Record<'partials' | 'combine' | 'apply', [Operands, Operands]>,
): Launch[] {
  const { channels, groups, positions, groupChannels, chunkPositions, norms, chunks } = sizes(node);
  const stage = (
    name: 'partials' | 'combine' | 'apply',
    width: Width,
    count: number,
    workgroups: number,
    dims: Launch['dims'],
    group: number,
  ): Launch => {
    const entry = `${direction}_${name}`;
    const defines = {
      ENTRY: entry,
      [direction.toUpperCase()]: true,
      [name.toUpperCase()]: true,
      SILU: node.attrs.silu === true,
      GROUP: group,
    };
    const launch = elementwise('group-norm', entry, width, { count, ...dims }, ...use[name], defines);
    const own = (set: Launch['reads']): Launch['reads'] =>
      Object.fromEntries(Object.entries(set).map(([k, o]) => [k, { ...o, width: OWN_WIDTH[k] ?? o.width }]));
    return { ...launch, reads: own(launch.reads), writes: own(launch.writes), workgroups: grid(workgroups) };
  };
  const inner = widthOf(groupChannels);
  const outer = widthOf(channels);
  const threads = Math.min(256, target.reductionThreads);
  const lanes = Math.min(threads, groupChannels / inner);
  const reduceDims = {
    groups,
    positions,
    chunks,
    chunk_positions: chunkPositions,
    group_units: groupChannels / inner,
    row_units: channels / inner,
  };
  const combineDims = {
    positions,
    chunks,
    chunk_positions: chunkPositions,
    group_channels: groupChannels,
    eps: f32(Number(node.attrs.eps)),
  };
  const units = numel((node.inputs.x as Tensor).shape) / outer;
  const applyDims = { groups, positions, row_units: channels / outer, group_channels: groupChannels };
  return [
    stage(
      'partials',
      inner,
      norms * chunks,
      norms * chunks,
      { ...reduceDims, lanes, rows: Math.floor(threads / lanes) },
      threads,
    ),
    stage('combine', 1, norms, norms, combineDims, Math.min(64, threads)),
    stage('apply', outer, units, Math.ceil(units / 256), applyDims, 256),
  ].map((l) =>
    l.entry.endsWith('apply') ? { ...l, defines: { ...l.defines, SPLIT: groupChannels % outer !== 0 } } : l,
  );
}
