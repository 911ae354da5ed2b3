// Nodes, constants and a checkpoint's weights by name in; an ONNX model and its weights' bytes out. Shapes of weights are checked as they are named.

import type { TensorSource } from '../tensor/tensor-source.ts';
import { Trouble } from '../trouble.ts';
import { type Attribute, type OnnxInitializer, type OnnxNode, type OnnxValue, writeOnnxModel } from './onnx-proto.ts';

/** What an ONNX runtime needs to make a session: the model, and the weights it refers to by path. */
export interface BuiltModel {
  model: Uint8Array;
  weights: { path: string; data: Float32Array }[];
}

/** A graph under construction over one checkpoint's tensors. Methods return the name of the value they make. */
export class OnnxGraph {
  private readonly inputs: OnnxValue[] = [];
  private readonly outputs: OnnxValue[] = [];
  private readonly nodes: OnnxNode[] = [];
  private readonly initializers = new Map<string, OnnxInitializer>();
  private readonly weightKeys = new Set<string>();
  private readonly known: ReadonlySet<string>;

  constructor(
    readonly name: string,
    private readonly source: TensorSource,
  ) {
    this.known = new Set(source.keys());
  }

  /** An f32 input. */
  input(name: string, dims: readonly number[]): string {
    this.inputs.push({ name, dims });
    return name;
  }

  /** Names `value` as an output of the graph. */
  output(name: string, value: string, dims: readonly number[]): void {
    this.nodes.push({ op: 'Identity', inputs: [value], outputs: [name], attributes: {} });
    this.outputs.push({ name, dims });
  }

  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = `${op}_${this.nodes.length}`;
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  /** A one-dimensional int64 constant (a shape, say). */
  ints(...values: number[]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.constant(`ints ${values.join()}`, { type: 'i64', dims: [values.length], bytes });
  }

  /** An f32 constant. `name` says what it is; two constants of one name must be equal. */
  floats(name: string, dims: readonly number[], values: Float32Array): string {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.constant(name, { type: 'f32', dims, bytes });
  }

  has(key: string): boolean {
    return this.known.has(key);
  }

  /** The checkpoint's tensor `key`. Throws Trouble 'file-damaged' if it is missing or has another shape than `dims`. */
  weight(key: string, dims: readonly number[]): string {
    this.require(key, dims);
    // A tensor is looked at in one way only: its name is its identity in the graph.
    this.weightKeys.add(key);
    this.initializers.set(key, { name: key, type: 'f32', dims, path: key });
    return key;
  }

  /** Checks a tensor like `weight`, but leaves it out of the graph. */
  require(key: string, dims: readonly number[]): void {
    const got = this.known.has(key) ? this.source.shape(key) : null;
    if (got?.join() !== dims.join())
      throw this.damaged(`${key} of shape ${show(dims)}`, got ? show(got) : 'no such tensor');
  }

  /** Reads the weights, one after another, and writes the model. Throws Trouble 'file-damaged' for a tensor of the wrong length. */
  async build(): Promise<BuiltModel> {
    const weights: BuiltModel['weights'] = [];
    for (const key of this.weightKeys) weights.push({ path: key, data: await this.read(key) });
    const { name, inputs, outputs, nodes } = this;
    return {
      model: writeOnnxModel({ name, inputs, outputs, nodes, initializers: [...this.initializers.values()] }),
      weights,
    };
  }

  /** The values of a tensor that `weight` or `require` has checked, for what is computed outside the runtime. */
  async read(key: string): Promise<Float32Array> {
    const shape = this.source.shape(key);
    const data = await this.source.float32(key);
    const count = shape.reduce((n, d) => n * d, 1);
    if (data.length !== count)
      throw this.damaged(`${key} of ${count} values (${show(shape)})`, `${data.length} values`);
    return data;
  }

  private constant(name: string, value: { type: 'f32' | 'i64'; dims: readonly number[]; bytes: Uint8Array }): string {
    this.initializers.set(name, { name, ...value });
    return name;
  }

  private damaged(expected: string, got: string): Trouble<'file-damaged'> {
    const file = this.source.fileName ?? this.name;
    return new Trouble('file-damaged', { file, expected, got }, `${file}: expected ${expected}, got ${got}`);
  }
}

const show = (shape: readonly number[]): string => shape.join('×') || 'scalar';
