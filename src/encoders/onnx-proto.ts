// An ONNX graph as plain data in, the bytes of its ModelProto out. Field numbers: onnx.proto3 of ONNX 1.12 (IR 8, opset 17).
import { PbfWriter } from 'pbf';

/** A plain number or list is an INT(S); a float has to say so, because JavaScript's 1.0 is 1. */
export type Attribute = number | readonly number[] | { float: number };

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: Readonly<Record<string, Attribute>>;
}
/** An f32 input or output of the graph. */
export interface OnnxValue {
  name: string;
  dims: readonly number[];
}
/** `bytes`: the values inside the model (for small constants). `path`: they are handed over beside it (for weights). */
export type OnnxInitializer = { name: string; dims: readonly number[] } & (
  | { type: 'f32' | 'i64'; bytes: Uint8Array }
  | { type: 'f32'; path: string }
);
export interface OnnxModel {
  name: string;
  inputs: readonly OnnxValue[];
  outputs: readonly OnnxValue[];
  initializers: readonly OnnxInitializer[];
  nodes: readonly OnnxNode[];
}

const IR_VERSION = 8;
const OPSET = 17; // the first with LayerNormalization
const DATA_TYPE = { f32: 1, i64: 7 } as const; // TensorProto.DataType
const EXTERNAL = 1; // TensorProto.DataLocation
const ATTRIBUTE_TYPE = { float: 1, int: 2, ints: 7 } as const; // AttributeProto.AttributeType

/** ModelProto bytes of `model`, ready for an ONNX runtime. */
export function writeOnnxModel(model: OnnxModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeStringField(2, 'darkroom');
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, (_, opset) => opset.writeVarintField(2, OPSET), null);
  return pbf.finish();
}

function writeGraph(graph: OnnxModel, pbf: PbfWriter): void {
  for (const node of graph.nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, graph.name);
  for (const initializer of graph.initializers) pbf.writeMessage(5, writeTensor, initializer);
  for (const value of graph.inputs) pbf.writeMessage(11, writeValue, value);
  for (const value of graph.outputs) pbf.writeMessage(12, writeValue, value);
}

function writeNode({ op, inputs, outputs, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const input of inputs) pbf.writeStringField(1, input);
  for (const output of outputs) pbf.writeStringField(2, output);
  pbf.writeStringField(3, outputs[0] ?? ''); // a node is named after what it makes: the runtime's errors quote it
  pbf.writeStringField(4, op);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  let type: number;
  if (typeof value === 'number') {
    type = ATTRIBUTE_TYPE.int;
    pbf.writeVarintField(3, value);
  } else if ('float' in value) {
    type = ATTRIBUTE_TYPE.float;
    pbf.writeFloatField(2, value.float);
  } else {
    type = ATTRIBUTE_TYPE.ints;
    for (const int of value) pbf.writeVarintField(8, int);
  }
  pbf.writeVarintField(20, type);
}

function writeTensor(tensor: OnnxInitializer, pbf: PbfWriter): void {
  for (const dim of tensor.dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, DATA_TYPE[tensor.type]);
  pbf.writeStringField(8, tensor.name);
  if ('bytes' in tensor) {
    pbf.writeBytesField(9, tensor.bytes);
    return;
  }
  pbf.writeMessage(13, writeEntry, ['location', tensor.path]);
  pbf.writeVarintField(14, EXTERNAL);
}

function writeEntry([key, value]: readonly [string, string], pbf: PbfWriter): void {
  pbf.writeStringField(1, key);
  pbf.writeStringField(2, value);
}

function writeValue({ name, dims }: OnnxValue, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, writeType, dims);
}

function writeType(dims: OnnxValue['dims'], pbf: PbfWriter): void {
  pbf.writeMessage(1, writeTensorType, dims);
}

function writeTensorType(dims: OnnxValue['dims'], pbf: PbfWriter): void {
  pbf.writeVarintField(1, DATA_TYPE.f32);
  pbf.writeMessage(2, writeShape, dims);
}

function writeShape(dims: OnnxValue['dims'], pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeMessage(1, writeDim, dim);
}

function writeDim(dim: number, pbf: PbfWriter): void {
  pbf.writeVarintField(1, dim);
}
