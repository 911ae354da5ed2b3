// A compared workload in; it as an ONNX model in onnxruntime-web on its WebGPU provider, timed and read, out. It has no gradients.
import { env, InferenceSession, Tensor } from 'onnxruntime-web/webgpu';
import { ATTENTION, CONV, NORM } from '../../src/bench/workloads.ts';
import { OnnxGraph } from '../../src/encoders/onnx-graph.ts';
import { requestGpu } from '../../src/gpu/device.ts';
import { type Compared, oihw, type Peer, type Prepared, swapped, transposed } from './peer.ts';

interface Given {
  dims: readonly number[];
  data: Float32Array<ArrayBuffer>;
}
type Layout = (y: Float32Array) => Float32Array;
const none = { keys: () => [], shape: () => [], float32: async () => new Float32Array() };

/** On a device of its own. */
export async function ortPeer(): Promise<Peer> {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
  const { device } = await requestGpu();
  return { name: `ORT WebGPU ${env.versions.web}`, prepare: (compared) => prepared(device, compared) };
}

async function prepared(device: GPUDevice, { kind, workload: { values } }: Compared): Promise<Prepared | null> {
  const of = (name: string): Float32Array<ArrayBuffer> => values.get(name) as Float32Array<ArrayBuffer>;
  const g = new OnnxGraph(kind, none);
  const inputs: Record<string, Given> = {};
  const input = (name: string, dims: readonly number[], data: Float32Array<ArrayBuffer>): string => {
    inputs[name] = { dims, data };
    return g.input(name, dims);
  };
  if (kind === 'gemm') {
    const m = 1024;
    const k = of('x').length / m;
    const n = of('w').length / k;
    const w = g.floats('w', [k, n], transposed(of('w'), n, k));
    return session(device, g, g.node('MatMul', [input('x', [m, k], of('x')), w]), [m, n], inputs);
  }
  if (kind === 'conv') {
    const { side, channels: c } = CONV;
    const dims = [1, c, side, side];
    const w = g.floats('w', [c, c, 3, 3], oihw(of('w'), c, c));
    const x = input('x', dims, transposed(of('x'), side * side, c));
    const y = g.node('Conv', [x, w], { pads: [1, 1, 1, 1], kernel_shape: [3, 3] });
    return session(device, g, y, dims, inputs, (values) => transposed(values, c, side * side));
  }
  if (kind === 'attention') {
    const { heads, tokens, width } = ATTENTION;
    const d = width / heads;
    const dims = [heads, tokens, d];
    const [q, k, v] = ['q', 'k', 'v'].map((name) => input(name, dims, swapped(of(name), tokens, heads, d))) as [
      string,
      string,
      string,
    ];
    const scale = g.floats('scale', [1], new Float32Array([d ** -0.5]));
    const scores = g.node('Mul', [g.node('MatMul', [q, g.node('Transpose', [k], { perm: [0, 2, 1] })]), scale]);
    const y = g.node('MatMul', [g.node('Softmax', [scores], { axis: -1 }), v]);
    return session(device, g, y, dims, inputs, (values) => swapped(values, heads, tokens, d));
  }
  if (kind === 'norm') {
    const { side, channels: c, groups, eps } = NORM;
    const dims = [1, c, side, side];
    const constant = (name: string, value: number): string =>
      g.floats(name, [groups], new Float32Array(groups).fill(value));
    const x = input('x', dims, transposed(of('x'), side * side, c));
    const grouped = g.node('Reshape', [x, g.ints(1, groups, -1)]);
    const normed = g.node('InstanceNormalization', [grouped, constant('ones', 1), constant('zeros', 0)], {
      epsilon: { float: eps },
    });
    const back = g.node('Reshape', [normed, g.ints(...dims)]);
    const affine = (name: string): string => g.floats(name, [1, c, 1, 1], of(name));
    const z = g.node('Add', [g.node('Mul', [back, affine('gamma')]), affine('beta')]);
    const y = g.node('Mul', [z, g.node('Sigmoid', [z])]);
    return session(device, g, y, dims, inputs, (values) => transposed(values, c, side * side));
  }
  return null;
}

async function session(
  device: GPUDevice,
  g: OnnxGraph,
  y: string,
  dims: readonly number[],
  given: Readonly<Record<string, Given>>,
  layout: Layout = (values) => values,
): Promise<Prepared> {
  g.output('y', y, dims);
  const { model } = await g.build();
  const made = await InferenceSession.create(model, {
    executionProviders: [{ name: 'webgpu', device } as InferenceSession.WebGpuExecutionProviderOption],
    preferredOutputLocation: 'gpu-buffer',
  });
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const buffers: GPUBuffer[] = [];
  const feeds: Record<string, Tensor> = {};
  for (const [name, { dims, data }] of Object.entries(given)) {
    const buffer = device.createBuffer({ size: data.byteLength, usage: STORAGE | COPY_SRC | COPY_DST });
    device.queue.writeBuffer(buffer, 0, data);
    buffers.push(buffer);
    feeds[name] = Tensor.fromGpuBuffer(buffer, { dataType: 'float32', dims });
  }
  return {
    async time(n) {
      const begun = performance.now();
      for (let i = 0; i < n; i++) (await made.run(feeds)).y?.dispose();
      await device.queue.onSubmittedWorkDone();
      return { begun, ended: performance.now() };
    },
    async results() {
      const { y } = await made.run(feeds);
      return new Map([['y', layout((await y?.getData()) as Float32Array)]]);
    },
    destroy() {
      void made.release();
      for (const buffer of buffers) buffer.destroy();
    },
  };
}
