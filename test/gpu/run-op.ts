// Runs the launches of one op (or a few) on a device, each tensor in a buffer of its own: kernels are tested without the plan.

import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { operandsOf, Pipelines } from '../../src/gpu/pipelines.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { KernelChoice, Launch, Node, Target } from '../../src/graph/op.ts';
import { fromF16, toF16 } from '../../src/tensor/half.ts';
import { byteLength, numel, type StorageType, type Tensor } from '../../src/tensor/tensor.ts';
import { quantise } from '../reference/q8.ts';

/** What a real card gets, but for the larger tiles: a software adapter compiles each for ten seconds and more. */
export const smallTiles: KernelChoice = { ...kernelsFor(false), gemmVariant: () => 'tile32' };

export const testTarget: Target = {
  maxBindingBytes: 128 * 2 ** 20,
  gemmVariant: () => 'tile32',
  reductionThreads: 256,
  maxDispatchFlops: 12.5e9,
  scoreBytes: 2 ** 25,
};

const pipelines = new WeakMap<GPUDevice, Pipelines>();

/**
 * @param data values of tensors that exist before the run; the others start filled with NaN, so that reading what nobody wrote is seen.
 * @returns the values of any tensor of the graph afterwards.
 */
export async function runGraph(
  device: GPUDevice,
  g: Graph,
  data: Map<Tensor, ArrayLike<number>>,
  target: Target = testTarget,
) {
  const buffers = new Map<number, GPUBuffer>();
  const scratchOf = new Map<Node, Record<string, Tensor>>();
  const make = (t: Tensor): void => {
    const size = byteLength(t);
    const buffer = device.createBuffer({
      size,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    const values =
      data.get(t) ??
      (t.kind === 'lora-grad' ? new Float32Array(numel(t.shape)) : new Float32Array(numel(t.shape)).fill(Number.NaN));
    if (values.length !== numel(t.shape)) throw new Error(`${t.name}: ${values.length} values for [${t.shape}]`);
    const bytes = new Uint8Array(size);
    const source = stored(values, t.dtype);
    bytes.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
    device.queue.writeBuffer(buffer, 0, bytes);
    buffers.set(t.id, buffer);
  };
  for (const t of g.tensors) make(t);
  let nextScratch = 1_000_000;
  for (const node of g.nodes) {
    const specs = node.op.scratch?.(node, target) ?? {};
    const tensors: Record<string, Tensor> = {};
    for (const [name, s] of Object.entries(specs)) {
      const t: Tensor = { id: nextScratch++, name, shape: s.shape, dtype: s.dtype, kind: 'temp' };
      make(t);
      tensors[name] = t;
    }
    scratchOf.set(node, tensors);
  }
  const launches = g.nodes.flatMap((node) =>
    node.op.launches({ ...node, outputs: { ...node.outputs, ...scratchOf.get(node) } }, target),
  );
  const known = pipelines.get(device) ?? new Pipelines(device);
  pipelines.set(device, known);
  await known.prepare(launches);
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const launch of launches) record(device, pass, launch, known, buffers);
  pass.end();
  device.queue.submit([encoder.finish()]);
  return {
    read: async (t: Tensor): Promise<Float32Array> => {
      const buffer = buffers.get(t.id) as GPUBuffer;
      const staging = device.createBuffer({
        size: buffer.size,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      });
      const e = device.createCommandEncoder();
      e.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
      device.queue.submit([e.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const bytes = staging.getMappedRange().slice(0);
      staging.destroy();
      return (t.dtype === 'f32' ? new Float32Array(bytes) : fromF16(new Uint16Array(bytes))).slice(0, numel(t.shape));
    },
  };
}

function stored(values: ArrayLike<number>, dtype: StorageType): Float32Array | Uint16Array | Uint32Array {
  if (dtype === 'f32') return Float32Array.from(values);
  if (dtype === 'f16') return toF16(values);
  return quantise(values);
}

function record(
  device: GPUDevice,
  pass: GPUComputePassEncoder,
  launch: Launch,
  pipelines: Pipelines,
  buffers: Map<number, GPUBuffer>,
): void {
  const { pipeline, layout } = pipelines.get(launch);
  const dims = Object.values(launch.dims);
  const uniform = device.createBuffer({
    size: Math.max(16, 4 * dims.length),
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  const words = new DataView(new ArrayBuffer(uniform.size));
  for (const [i, d] of dims.entries()) {
    if (typeof d === 'number') words.setUint32(4 * i, d, true);
    else words.setFloat32(4 * i, d.f32, true);
  }
  device.queue.writeBuffer(uniform, 0, words.buffer);
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout,
      entries: [
        ...(dims.length > 0 ? [{ binding: 0, resource: { buffer: uniform } }] : []),
        ...operandsOf(launch).map(([, o], i) => ({
          binding: i + 1,
          resource: { buffer: buffers.get(o.tensor.id) as GPUBuffer },
        })),
      ],
    }),
  );
  pass.dispatchWorkgroups(...launch.workgroups);
}
