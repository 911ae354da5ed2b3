// One op on a device, forward and through its vjp: inputs and output gradients as plain numbers in, outputs and input gradients out.
import { Graph } from '../../src/graph/graph.ts';
import type { Attrs, Back, Node, Op, Tensors } from '../../src/graph/op.ts';
import { fromF16, toF16 } from '../../src/tensor/half.ts';
import { type DType, numel, type StorageType, type Tensor, type TensorKind } from '../../src/tensor/tensor.ts';
import { normal } from '../check.ts';
import type { Values } from '../reference/values.ts';
import { runGraph } from './run-op.ts';

export interface CaseInput {
  shape: readonly number[];
  values?: Values; // default: normal, seeded by the input's place
  kind?: TensorKind; // default temp
  dtype?: DType; // default the case's
}
export interface OpCase {
  op: Op;
  dtype: DType; // of activations, and of inputs that do not say
  inputs: Record<string, CaseInput>;
  attrs?: Attrs;
  /** Run the vjp from a random gradient of this output (or from the op itself, where it is a loss) to these inputs. */
  backward?: { from?: string; to: readonly string[]; addend: boolean };
}
export interface CaseResult {
  inputs: Record<string, Float64Array>; // as stored: f16 has rounded them
  outputs: Record<string, Float32Array>;
  dy: Float64Array; // as stored
  gradients: Record<string, Float32Array>; // of `to`, without the addend
  stored: Record<string, StorageType>; // of outputs
}

/** Runs forward (and vjp). An addend is the gradient so far: random, and taken off the result again in f64. */
export async function runCase(device: GPUDevice, c: OpCase): Promise<CaseResult> {
  const g = new Graph(c.dtype);
  const data = new Map<Tensor, ArrayLike<number>>();
  const put = (t: Tensor, values: Values): Float64Array => {
    const kept = t.dtype === 'f16' ? fromF16(toF16(values)) : Float32Array.from(values);
    data.set(t, kept);
    return Float64Array.from(kept);
  };
  const inputs: Record<string, Float64Array> = {};
  const tensors: Record<string, Tensor> = {};
  Object.entries(c.inputs).forEach(([name, i], place) => {
    const t = g.tensor(name, i.shape, i.kind ?? 'temp', i.dtype ?? c.dtype);
    tensors[name] = t;
    inputs[name] = put(t, i.values ?? normal(numel(i.shape), place + 1));
  });
  const outputs = g.emit(c.op, tensors, c.attrs);
  const { d, dy } = gradientOf(g, c, outputs, put);
  const addends: Record<string, Float64Array> = {};
  const given: Record<string, Tensor> = {};
  if (c.backward) {
    const { to, addend } = c.backward;
    const back: Back = {
      wants: (name) => to.includes(name),
      give: (name, emit) => {
        if (!to.includes(name)) return;
        const so = addend ? g.tensor(`addend.${name}`, tensors[name]!.shape, 'temp', c.dtype) : undefined;
        if (so) addends[name] = put(so, normal(numel(so.shape), 90, 0.5));
        given[name] = emit(so);
      },
    };
    c.op.vjp?.(g, g.nodes[0] as Node, d, back);
  }
  const run = await runGraph(device, g, data);
  const read = async (t: Tensors): Promise<Record<string, Float32Array>> =>
    Object.fromEntries(
      await Promise.all(Object.entries(t).map(async ([name, x]) => [name, await run.read(x)] as const)),
    );
  const gradients = Object.fromEntries(
    Object.entries(await read(given)).map(([name, v]) => [name, v.map((x, i) => x - (addends[name]?.[i] ?? 0))]),
  );
  const stored = Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.dtype]));
  return { inputs, outputs: await read(outputs), dy, gradients, stored };
}

function gradientOf(
  g: Graph,
  c: OpCase,
  outputs: Tensors,
  put: (t: Tensor, v: Values) => Float64Array,
): { d: Tensors; dy: Float64Array } {
  const from = c.backward?.from;
  if (from === undefined) return { d: {}, dy: new Float64Array(0) };
  const y = outputs[from] as Tensor;
  const t = g.tensor('dy', y.shape, 'temp', c.dtype);
  return { d: { [from]: t }, dy: put(t, normal(numel(y.shape), 77)) };
}

/**
 * What storage costs. f32: sums of up to 1e5 terms and WGSL's exp, sqrt and divide (2–4 ulp of 6e-8 each) stay below 5e-6. f16: one rounding
 * of the result, 2⁻¹¹ at most and 2⁻¹¹/√3 = 2.8e-4 rms; twice that where a gradient is rounded together with an addend of its size.
 */
export const tolerance = { f32: { rel: 5e-6, max: 2e-4 }, f16: { rel: 8e-4, max: 6e-3 } } as const;
