// Tensors where they lie, or a text, in; one file of the diffusers folder that a checkpoint becomes, in chunks that are made while they are read, out.
import { bytesPerElement, intoF16, isWeightDType } from '../dtypes.ts';
import { elements, type Stored, type Tensors } from './stored.ts';

/** One file of the diffusers folder that a checkpoint becomes. Its bytes are made while they are read: nothing larger than a tensor piece is ever in memory. */
export interface CanonicalFile {
  readonly path: string;
  readonly bytes: number;
  /** Each chunk is a fresh buffer that the caller may keep or transfer. Rejects with the signal's reason when it is aborted. */
  chunks(signal?: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
}

const CHUNK_BYTES = 4 * 2 ** 20; // even: no f16 is cut in two

export function textFile(path: string, content: Uint8Array<ArrayBuffer> | string): CanonicalFile {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    path,
    bytes: bytes.length,
    async *chunks(signal) {
      signal?.throwIfAborted();
      yield bytes.slice();
    },
  };
}

/** Plain JSON with sorted keys: the same facts are the same bytes. */
export function jsonFile(path: string, value: Readonly<Record<string, unknown>>): CanonicalFile {
  const sorted = Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return textFile(path, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** A safetensors file of `tensors`, all F16, sorted by name: the same weights are the same bytes, wherever they came from. */
export function weightsFile(path: string, tensors: Tensors): CanonicalFile {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const head = header(sorted);
  const bytes = sorted.reduce((sum, [, { shape }]) => sum + 2 * elements(shape), head.length);
  return { path, bytes, chunks: (signal) => weightChunks(head, sorted, bytes, signal) };
}

function header(sorted: readonly (readonly [string, Stored])[]): Uint8Array {
  let at = 0;
  const entries = sorted.map(([name, { shape }]): [string, unknown] => {
    const begin = at;
    at += 2 * elements(shape);
    return [name, { dtype: 'F16', shape, data_offsets: [begin, at] }];
  });
  const json = JSON.stringify(Object.fromEntries([['__metadata__', { format: 'pt' }], ...entries]));
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  head.set(text, 8);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  return head;
}

async function* weightChunks(
  head: Uint8Array,
  sorted: readonly (readonly [string, Stored])[],
  bytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let left = bytes;
  const fresh = () => new Uint8Array(Math.min(CHUNK_BYTES, left));
  let chunk = fresh();
  let at = 0;
  for (let from = 0; from < head.length; ) {
    const part = head.subarray(from, from + chunk.length - at);
    chunk.set(part, at);
    at += part.length;
    from += part.length;
    if (at < chunk.length) break;
    yield chunk;
    left -= at;
    chunk = fresh();
    at = 0;
  }
  for (const [, tensor] of sorted) {
    const count = elements(tensor.shape);
    for (let done = 0; done < count; ) {
      signal?.throwIfAborted();
      const piece = Math.min(count - done, (chunk.length - at) / 2);
      await read(tensor, done, new Uint16Array(chunk.buffer, at, piece));
      at += 2 * piece;
      done += piece;
      if (at < chunk.length) continue;
      yield chunk;
      left -= at;
      chunk = fresh();
      at = 0;
    }
  }
}

/** Fills `out` with a tensor's elements from `begin` on. */
async function read({ file, key, first }: Stored, begin: number, out: Uint16Array): Promise<void> {
  const dtype = file.dtype(key);
  if (!isWeightDType(dtype)) throw new Error(`${key}: ${dtype} was to be refused before`);
  const size = bytesPerElement[dtype];
  const from = (first + begin) * size;
  intoF16(await file.slice(key, from, from + out.length * size), dtype, out);
}
