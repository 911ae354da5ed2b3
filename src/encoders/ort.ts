// An ONNX model and its weights in, f32 tensors through it out. The only module that knows onnxruntime-web (pinned to 1.30.0).
//
// WASM provider only: it needs no GPU, gives the same numbers everywhere, and on software adapters beats the WebGPU one.
import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import type { BuiltModel } from './onnx-graph.ts';

export interface OrtTensor {
  data: Float32Array;
  dims: readonly number[];
}
export interface OrtSession {
  /** One run: every input of the graph by name, every output by name. */
  run(inputs: Readonly<Record<string, OrtTensor>>): Promise<Record<string, OrtTensor>>;
  release(): Promise<void>;
}

// More threads would need cross-origin isolation, which a static host cannot promise, and would start this bundle again as their own script.
env.wasm.numThreads = 1;
env.wasm.proxy = false;
env.logLevel = 'error';

/** Where the browser finds the runtime's .wasm (an absolute URL). Call before the first session; Node finds it by itself. */
export function setWasmUrl(url: string): void {
  env.wasm.wasmPaths = { wasm: url };
}

// The runtime refuses to create two sessions at once and its runs are not re-entrant: everything waits in one line.
let last: Promise<unknown> = Promise.resolve();
function queued<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work, work);
  last = result.catch(() => {});
  return result;
}

/** Makes a session. The weights are copied into the runtime's memory: the caller may drop them afterwards. */
export async function createSession({ model, weights }: BuiltModel): Promise<OrtSession> {
  const session = await queued(() =>
    InferenceSession.create(model, {
      executionProviders: ['wasm'],
      graphOptimizationLevel: 'all',
      externalData: weights.map(({ path, data }) => ({
        path,
        data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
    }),
  );
  return {
    run: (inputs) => queued(() => runOnce(session, inputs)),
    release: () => queued(() => session.release()),
  };
}

async function runOnce(
  session: InferenceSession,
  inputs: Readonly<Record<string, OrtTensor>>,
): Promise<Record<string, OrtTensor>> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { data, dims }] of Object.entries(inputs)) feeds[name] = new Tensor('float32', data, dims);
  const results = await session.run(feeds);
  const outputs: Record<string, OrtTensor> = {};
  for (const [name, tensor] of Object.entries(results)) {
    if (!(tensor.data instanceof Float32Array)) throw new Error(`${name}: expected float32, got ${tensor.type}`);
    outputs[name] = { data: tensor.data, dims: tensor.dims };
  }
  return outputs;
}

/** The output `name` of a run; a bug if the graph has none. */
export function outputOf(outputs: Readonly<Record<string, OrtTensor>>, name: string): OrtTensor {
  const output = outputs[name];
  if (!output)
    throw new Error(`expected an output “${name}”, got ${Object.keys(outputs).join(', ')}: name it in the graph`);
  return output;
}
