// ceilings: a device in; what no kernel on it can beat out: multiply-adds a second without memory, bytes a second without arithmetic.
import { laneOf } from '../gpu/lane.ts';
import { measure } from '../gpu/stopwatch.ts';

export interface Ceilings {
  /** f32 multiply-adds, 2 FLOPs each, FLOPs per ms: the best of several kernels. */
  readonly flopsPerMs: number;
  /** Read and written by a shader, bytes per ms. */
  readonly copyBytesPerMs: number;
  /** Submit and wait for nothing, ms. */
  readonly emptyMs: number;
}

const GROUP = 64;
const GROUPS = 4096; // 262,144 threads fill any card
/** Rounds of a thread's loop, smallest first: the stopwatch grows with the card. */
const LOOPS = [8, 64, 512, 4096, 32_768];
/** Independent sums of a thread: which is best depends on how a processor's units are filled. */
const FORMS = [
  { type: 'f32', lanes: 1, sums: 8 },
  { type: 'f32', lanes: 1, sums: 16 },
  { type: 'vec4<f32>', lanes: 4, sums: 4 },
  { type: 'vec4<f32>', lanes: 4, sums: 16 },
] as const;
type Form = (typeof FORMS)[number];
/** As long as a binding may be everywhere, longer than any card's cache together with its copy. */
const COPY_BYTES = 2 ** 27;
const COPY_WIDTH = 1024; // workgroups in x

const multiplyAdds = ({ type, sums }: Form): string => {
  const each = (line: (i: number) => string): string => Array.from({ length: sums }, (_, i) => line(i)).join('\n');
  return `
@group(0) @binding(0) var<uniform> loops: u32;
@group(0) @binding(1) var<storage, read_write> y: array<${type}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let a = ${type}(f32(id.x) * 1e-7 + 0.5);
  ${each((i) => `var s${i} = ${type}(f32(id.x + ${i}u));`)}
  for (var i = 0u; i < loops; i++) {
    ${each((i) => `s${i} = fma(s${i}, a, a);`)}
  }
  var sum = ${type}(0.0);
  ${each((i) => `sum += s${i};`)}
  y[id.x] = sum;
}`;
};

const COPY = `
@group(0) @binding(0) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.y * ${COPY_WIDTH * GROUP}u + id.x;
  y[i] = x[i];
}`;

/** Each measured once by the stopwatch. Nothing else may be on the device's queue. @throws the signal's reason. */
export async function measureCeilings(device: GPUDevice, signal?: AbortSignal): Promise<Ceilings> {
  const emptyMs = await laneOf(device).waits.measure();
  let flopsPerMs = 0;
  for (const form of FORMS) {
    signal?.throwIfAborted();
    flopsPerMs = Math.max(flopsPerMs, await multiplyAddSpeed(device, form, emptyMs));
  }
  signal?.throwIfAborted();
  return { flopsPerMs, copyBytesPerMs: await copySpeed(device, emptyMs), emptyMs };
}

async function multiplyAddSpeed(device: GPUDevice, form: Form, emptyMs: number): Promise<number> {
  const pipeline = await compiled(device, multiplyAdds(form));
  const { UNIFORM, STORAGE, COPY_DST } = GPUBufferUsage;
  const y = device.createBuffer({ size: GROUP * GROUPS * 4 * form.lanes, usage: STORAGE });
  const kinds = LOOPS.map((loops) => {
    const dims = device.createBuffer({ size: 16, usage: UNIFORM | COPY_DST });
    device.queue.writeBuffer(dims, 0, new Uint32Array([loops, 0, 0, 0]));
    return { dims, group: bindings(device, pipeline, [dims, y]) };
  });
  const flops = LOOPS.map((loops) => 2 * form.lanes * form.sums * loops * GROUP * GROUPS);
  const time = dispatching(device, pipeline, (which) => kinds[which]?.group, [GROUPS, 1]);
  await time(0, 1); // compiled when it first runs
  const { told, atLeast } = await measure({ flops, time, emptyMs }, Number.POSITIVE_INFINITY);
  for (const buffer of [y, ...kinds.map(({ dims }) => dims)]) buffer.destroy();
  return told ?? atLeast;
}

async function copySpeed(device: GPUDevice, emptyMs: number): Promise<number> {
  const pipeline = await compiled(device, COPY);
  const made = [0, 1].map(() => device.createBuffer({ size: COPY_BYTES, usage: GPUBufferUsage.STORAGE }));
  const group = bindings(device, pipeline, made);
  const time = dispatching(device, pipeline, () => group, [COPY_WIDTH, COPY_BYTES / 16 / GROUP / COPY_WIDTH]);
  await time(0, 1);
  const { told, atLeast } = await measure({ flops: [2 * COPY_BYTES], time, emptyMs }, Number.POSITIVE_INFINITY);
  for (const buffer of made) buffer.destroy();
  return told ?? atLeast;
}

const compiled = (device: GPUDevice, code: string): Promise<GPUComputePipeline> =>
  device.createComputePipelineAsync({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
const bindings = (device: GPUDevice, pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[]): GPUBindGroup =>
  device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });

function dispatching(
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  groupOf: (which: number) => GPUBindGroup | undefined,
  workgroups: readonly [number, number],
) {
  const lane = laneOf(device);
  return async (which: number, n: number): Promise<{ begun: number; ended: number }> => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, groupOf(which) ?? null);
    for (let i = 0; i < n; i++) pass.dispatchWorkgroups(...workgroups);
    pass.end();
    const commands = encoder.finish();
    const begun = lane.now();
    device.queue.submit([commands]);
    await lane.waits.done();
    return { begun, ended: lane.now() };
  };
}
