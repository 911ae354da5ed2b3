// A safetensors file (a Blob on disk, or bytes) in, its tensors by name out, each read only when asked for; and tensors in, file bytes out.
// Format: 8 bytes header length (u64, little endian), JSON header, then the tensors' bytes without gaps.
import { type Bytes, byteSource } from './byte-source.ts';
import { bytesPerElement, type FileDType, toFloat32 } from './dtypes.ts';
import { recognise } from './recognise.ts';
import { damaged, parseHeader, type TensorEntry } from './safetensors-header.ts';

/** An opened file. Only its header is in memory. Asking for a key it does not have is Trouble 'file-damaged'. */
export interface SafetensorsFile {
  readonly fileName: string;
  readonly metadata: Readonly<Record<string, string>>;
  keys(): string[];
  has(key: string): boolean;
  shape(key: string): number[];
  dtype(key: string): FileDType;
  /** The tensor's own bytes, a fresh copy that starts at offset 0 of its buffer: any typed array can be laid over it. */
  bytes(key: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Its bytes from `begin` to before `end`, both counted from the tensor's first: for tensors too large to be read at once. */
  slice(key: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The tensor as f32, whatever float or integer format the file has. */
  float32(key: string): Promise<Float32Array<ArrayBuffer>>;
}

export interface TensorToWrite {
  name: string;
  dtype: FileDType;
  shape: readonly number[];
  data: ArrayBufferView; // the elements as they go to the file
}

const LENGTH_BYTES = 8;
// The limit of the reference implementation. The header is also checked against the file's size, whichever is smaller.
const MAX_HEADER_BYTES = 100_000_000;

/** Opens a file: reads and checks its header, no tensor. Anything wrong is Trouble 'file-damaged' with what was expected and what came. */
export async function readSafetensors(file: Bytes, fileName: string): Promise<SafetensorsFile> {
  const { read, size: fileBytes } = byteSource(file, fileName);
  const head = await read(0, Math.min(fileBytes, 64));
  if (fileBytes < LENGTH_BYTES + 2) throw damaged(fileName, 'at least 10 bytes', `${fileBytes} bytes`);
  const headerBytes = new DataView(head.buffer).getBigUint64(0, true);
  const dataBegin = LENGTH_BYTES + Number(headerBytes);
  if (headerBytes > MAX_HEADER_BYTES || dataBegin > fileBytes) {
    const expected = `a safetensors header of at most ${Math.min(MAX_HEADER_BYTES, fileBytes - LENGTH_BYTES)} bytes`;
    throw damaged(
      fileName,
      expected,
      recognise(head) ?? `a header length of ${headerBytes} in a file of ${fileBytes} bytes`,
    );
  }
  const header = parseHeader(await read(LENGTH_BYTES, dataBegin), dataBegin, fileBytes, fileName);

  const entry = (key: string): TensorEntry => {
    const found = header.tensors.get(key);
    if (!found) throw damaged(fileName, `a tensor “${key}”`, `${header.tensors.size} tensors, none of this name`);
    return found;
  };
  const bytes = (key: string) => read(entry(key).begin, entry(key).end);
  return {
    fileName,
    metadata: header.metadata,
    keys: () => [...header.tensors.keys()],
    has: (key) => header.tensors.has(key),
    shape: (key) => [...entry(key).shape],
    dtype: (key) => entry(key).dtype,
    bytes: async (key) => bytes(key),
    slice: async (key, begin, end) => {
      const { begin: from, end: to } = entry(key);
      return read(Math.min(from + begin, to), Math.min(from + end, to));
    },
    float32: async (key) => toFloat32(await bytes(key), entry(key).dtype),
  };
}

/** File bytes: wider formats first, then by name (so that every tensor is aligned to its element), header padded to 8 bytes. */
export function writeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const inOrder = [...tensors].sort(
    (a, b) => bytesPerElement[b.dtype] - bytesPerElement[a.dtype] || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let dataBytes = 0;
  for (const { name, dtype, shape, data } of inOrder) {
    const needs = shape.reduce((product, dim) => product * dim, bytesPerElement[dtype]);
    if (data.byteLength !== needs)
      throw new Error(`writeSafetensors: ${name} ${dtype} [${shape}] takes ${needs} bytes, got ${data.byteLength}`);
    header.push([name, { dtype, shape, data_offsets: [dataBytes, dataBytes + needs] }]);
    dataBytes += needs;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  if (new Set(header.map(([name]) => name)).size !== header.length)
    throw new Error('writeSafetensors: two tensors have the same name');
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(LENGTH_BYTES + headerBytes + dataBytes);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes); // the format pads with spaces
  out.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes;
  for (const { data } of inOrder) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}
