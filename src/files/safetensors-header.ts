// The JSON header of a safetensors file in, its tensors' names, shapes and byte ranges out. Nothing the header says is believed before it
// is checked against the file's real size, so that a lying header costs no memory.
import { Trouble } from '../trouble.ts';
import { bytesPerElement, type FileDType, isFileDType } from './dtypes.ts';
import { findDuplicateKey } from './json-keys.ts';

/** One tensor as the header describes it; `begin` and `end` are bytes from the start of the file. */
export interface TensorEntry {
  dtype: FileDType;
  shape: number[];
  begin: number;
  end: number;
}
export interface SafetensorsHeader {
  tensors: Map<string, TensorEntry>;
  metadata: Record<string, string>;
}

/** Trouble 'file-damaged', told the same way everywhere in this folder. */
export const damaged = (file: string, expected: string, got: string): Trouble<'file-damaged'> =>
  new Trouble(
    'file-damaged',
    { file, expected, got },
    `${file} is damaged: expected ${expected}, got ${got}. Get the file again.`,
  );

/** Parses and checks a header's bytes. `dataBegin` is where the tensors' bytes start, `fileBytes` the size of the whole file. */
export function parseHeader(bytes: Uint8Array, dataBegin: number, fileBytes: number, file: string): SafetensorsHeader {
  const header = parseJsonObject(bytes, file);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') metadata = checkMetadata(value, file);
    else tensors.set(name, checkEntry(name, value, dataBegin, fileBytes, file));
  }
  checkCover(tensors, dataBegin, fileBytes, file);
  return { tensors, metadata };
}

function parseJsonObject(bytes: Uint8Array, file: string): object {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(file, 'a header of JSON text', error instanceof Error ? error.message : String(error));
  }
  if (!isObject(value)) throw damaged(file, 'a header that is one JSON object', clip(text));
  const twice = findDuplicateKey(text);
  if (twice !== null) throw damaged(file, 'every name once in the header', `“${clip(twice)}” twice`);
  return value;
}

function checkMetadata(value: unknown, file: string): Record<string, string> {
  if (!isObject(value)) throw damaged(file, '__metadata__ to be an object of strings', show(value));
  const metadata: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw damaged(file, `__metadata__ “${clip(key)}” to be a string`, show(text));
    metadata[key] = text;
  }
  return metadata;
}

function checkEntry(name: string, value: unknown, dataBegin: number, fileBytes: number, file: string): TensorEntry {
  const wrong = (expected: string, got: unknown): Trouble =>
    damaged(file, `tensor “${clip(name)}” with ${expected}`, show(got));
  if (!isObject(value)) throw wrong('dtype, shape and data_offsets', value);
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>;
  if (!isFileDType(dtype)) throw wrong(`a dtype of ${Object.keys(bytesPerElement).join(', ')}`, dtype);
  if (!isCounts(shape)) throw wrong('a shape of whole numbers', shape);
  if (!isCounts(offsets) || offsets.length !== 2) throw wrong('two data_offsets', offsets);
  const [from, to] = offsets as [number, number];
  const dataBytes = fileBytes - dataBegin;
  if (from > to) throw wrong('data_offsets in order', offsets);
  if (to > dataBytes)
    throw damaged(
      file,
      `“${clip(name)}” within ${dataBytes} bytes of data`,
      `it up to byte ${to}: the file ends early`,
    );
  const needs = shape.reduce((product, dim) => product * dim, bytesPerElement[dtype]);
  if (needs !== to - from) throw wrong(`${needs} bytes (${dtype} ${JSON.stringify(shape)})`, `${to - from} bytes`);
  return { dtype, shape, begin: dataBegin + from, end: dataBegin + to };
}

// The format allows no gap, no overlap and nothing after the last tensor: whatever is left over was not written by a safetensors writer.
function checkCover(tensors: Map<string, TensorEntry>, dataBegin: number, fileBytes: number, file: string): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = dataBegin;
  for (const [name, { begin, end }] of inOrder) {
    if (begin !== at) {
      const how = begin < at ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw damaged(file, `tensor “${clip(name)}” to begin at byte ${at}`, `byte ${begin}: it ${how}`);
    }
    at = end;
  }
  if (at !== fileBytes) throw damaged(file, `a file of ${at} bytes, as its header promises`, `${fileBytes} bytes`);
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
const clip = (text: string): string => (text.length > 120 ? `${text.slice(0, 120)}…` : text);

// Not JSON.stringify: a value nested a hundred thousand deep would overflow its stack.
function show(value: unknown): string {
  if (Array.isArray(value)) return clip(`[${value.map((item) => (typeof item === 'object' ? '…' : item)).join(',')}]`);
  return isObject(value) ? 'an object' : clip(typeof value === 'string' ? value : String(value ?? 'nothing'));
}
