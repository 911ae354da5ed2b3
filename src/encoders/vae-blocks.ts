// Feature maps (1×C×H×W) in and out: the blocks that the VAE's encoder and decoder are made of, named as in diffusers.
import type { OnnxGraph } from './onnx-graph.ts';

const EPSILON = 1e-6; // of every norm in the VAE (the U-Net's resnets have 1e-5)

/** 3×3, stride 1, same size; or 1×1. */
export function conv(g: OnnxGraph, x: string, name: string, from: number, to: number, size: 1 | 3 = 3): string {
  const pad = size === 3 ? 1 : 0;
  return g.node('Conv', [x, g.weight(`${name}.weight`, [to, from, size, size]), g.weight(`${name}.bias`, [to])], {
    kernel_shape: [size, size],
    pads: [pad, pad, pad, pad],
  });
}

/** Halves height and width. diffusers pads one row below and one column to the right, nothing above and to the left. */
export function downsample(g: OnnxGraph, x: string, name: string, width: number): string {
  const weights = [g.weight(`${name}.conv.weight`, [width, width, 3, 3]), g.weight(`${name}.conv.bias`, [width])];
  return g.node('Conv', [x, ...weights], { kernel_shape: [3, 3], strides: [2, 2], pads: [0, 0, 1, 1] });
}

/** Doubles height and width: nearest neighbour, then a convolution. */
export function upsample(g: OnnxGraph, x: string, name: string, width: number): string {
  const scales = g.floats('twice as high and wide', [4], Float32Array.of(1, 1, 2, 2));
  const doubled = g.node('Resize', [x, '', scales], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  return conv(g, doubled, `${name}.conv`, width, width);
}

/**
 * ONNX has no group norm before opset 18 and onnxruntime none on the GPU: a group is made one long channel of an instance norm, and the
 * affine part, which is per channel, follows apart. All in f32: sums of squares pass f16's range.
 */
export function groupNorm(g: OnnxGraph, x: string, name: string, width: number, groups: number): string {
  const grouped = g.node('Reshape', [x, g.ints(0, groups, -1)]);
  const ones = g.floats('ones per group', [groups], new Float32Array(groups).fill(1));
  const zeros = g.floats('zeros per group', [groups], new Float32Array(groups));
  const normed = g.node('InstanceNormalization', [grouped, ones, zeros], { epsilon: { float: EPSILON } });
  const scaled = g.node('Mul', [like(g, normed, x), g.weight(`${name}.weight`, [width, 1, 1], [width])]);
  return g.node('Add', [scaled, g.weight(`${name}.bias`, [width, 1, 1], [width])]);
}

export const silu = (g: OnnxGraph, x: string): string => g.node('Mul', [x, g.node('Sigmoid', [x])]);

/** `ResnetBlock2D` without a timestep: from → to channels. */
export function resnet(g: OnnxGraph, x: string, name: string, from: number, to: number, groups: number): string {
  const first = conv(g, silu(g, groupNorm(g, x, `${name}.norm1`, from, groups)), `${name}.conv1`, from, to);
  const second = conv(g, silu(g, groupNorm(g, first, `${name}.norm2`, to, groups)), `${name}.conv2`, to, to);
  const shortcut = from === to ? x : conv(g, x, `${name}.conv_shortcut`, from, to, 1);
  return g.node('Add', [shortcut, second]);
}

/** resnet, self-attention (unless the config leaves it out), resnet. */
export function midBlock(
  g: OnnxGraph,
  x: string,
  name: string,
  width: number,
  groups: number,
  attends: boolean,
): string {
  const before = resnet(g, x, `${name}.resnets.0`, width, width, groups);
  const between = attends ? attention(g, before, `${name}.attentions.0`, width, groups) : before;
  return resnet(g, between, `${name}.resnets.1`, width, width, groups);
}

/** One head over all pixels (N = H·W), with a residual. MatMul + Softmax: onnxruntime's own attention op is wrong on some GPUs. */
function attention(g: OnnxGraph, x: string, name: string, width: number, groups: number): string {
  // Stable Diffusion 1.x files have the names of diffusers' first release, single-file checkpoints 1×1 convolutions for matrices.
  const old = g.has(`${name}.query.weight`);
  const normed = groupNorm(g, x, `${name}.group_norm`, width, groups);
  const project = (from: string, now: string, before: string) => {
    const layer = `${name}.${old ? before : now}`;
    const weight = g.weight(`${layer}.weight`, [width, width, 1, 1], [width, width], [width, width, 1, 1]);
    return g.node('Conv', [from, weight, g.weight(`${layer}.bias`, [width])], { kernel_shape: [1, 1] });
  };
  const flat = (y: string) => g.node('Reshape', [y, g.ints(0, 0, -1)]); // 1×C×N
  const turned = (y: string) => g.node('Transpose', [y], { perm: [0, 2, 1] });
  const scale = g.floats(`attention scale ${width}`, [1], Float32Array.of(width ** -0.5));
  const q = g.node('Mul', [turned(flat(project(normed, 'to_q', 'query'))), scale]); // 1×N×C
  const k = flat(project(normed, 'to_k', 'key')); // 1×C×N
  const v = turned(flat(project(normed, 'to_v', 'value'))); // 1×N×C
  const mixed = g.node('MatMul', [g.node('Softmax', [g.node('MatMul', [q, k])], { axis: -1 }), v]); // 1×N×C
  const joined = like(g, turned(mixed), x);
  return g.node('Add', [project(joined, 'to_out.0', 'proj_attn'), x]);
}

/** `y` with the shape of `x`: sizes are known only when the graph runs. */
const like = (g: OnnxGraph, y: string, x: string): string => g.node('Reshape', [y, g.node('Shape', [x])]);
