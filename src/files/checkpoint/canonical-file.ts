// Tensors where they lie, or a text, in; one file of the diffusers folder that a checkpoint becomes, in chunks that are made while they are read, out.
import { bytesPerElement, intoF16, isWeightDType } from '../dtypes.ts';
import { type OnBroken, TensorCheck } from '../sound-weights.ts';
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

/**
 * A safetensors file of `tensors`, all F16, sorted by name: the same weights are the same bytes, wherever they came from. `onBroken` hears of
 * tensors that are no finite f16 throughout while chunks are made, and ends that by throwing.
 */
export function weightsFile(path: string, tensors: Tensors, onBroken: OnBroken = () => {}): CanonicalFile {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const head = header(sorted);
  const bytes = sorted.reduce((sum, [, { shape }]) => sum + 2 * elements(shape), head.length);
  return { path, bytes, chunks: (signal) => gathered(pieces(head, sorted, onBroken), bytes, signal) };
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

/** A stretch of the file within one chunk. `load` reads what it takes; the function that comes of it writes the stretch. */
interface Piece {
  bytes: number;
  load(): Promise<(out: Uint8Array) => void>;
}

function* pieces(
  head: Uint8Array,
  sorted: readonly (readonly [string, Stored])[],
  onBroken: OnBroken,
): Generator<Piece> {
  let at = 0;
  const upToChunk = (bytes: number) => Math.min(bytes, CHUNK_BYTES - (at % CHUNK_BYTES));
  while (at < head.length) {
    const part = head.subarray(at, at + upToChunk(head.length - at));
    yield { bytes: part.length, load: async () => (out) => out.set(part) };
    at += part.length;
  }
  for (const [, tensor] of sorted) {
    const count = elements(tensor.shape);
    const check = new TensorCheck(tensor.file.fileName, tensor.key);
    for (let begin = 0; begin < count; ) {
      const bytes = upToChunk(2 * (count - begin));
      const from = begin;
      begin += bytes / 2;
      const judge = begin === count ? onBroken : null;
      yield { bytes, load: () => read(tensor, from, bytes / 2, check, judge) };
      at += bytes;
    }
  }
}

/** Reads `count` elements of a tensor, from `begin` on; what comes of it writes them as f16. `judge`, with the last of them, hears what was broken. */
async function read(
  { file, key, first }: Stored,
  begin: number,
  count: number,
  check: TensorCheck,
  judge: OnBroken | null,
): Promise<(out: Uint8Array) => void> {
  const dtype = file.dtype(key);
  if (!isWeightDType(dtype)) throw new Error(`${key}: ${dtype} was to be refused before`);
  const size = bytesPerElement[dtype];
  const from = (first + begin) * size;
  const bytes = await file.slice(key, from, from + count * size);
  return (out) => {
    const halves = new Uint16Array(out.buffer, out.byteOffset, count);
    intoF16(bytes, dtype, halves);
    check.hear(halves, bytes, dtype);
    const broken = judge && check.verdict();
    if (broken) judge(broken);
  };
}

async function* gathered(
  all: Iterator<Piece>,
  totalBytes: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const next = () => {
    const { value: piece, done } = all.next();
    if (done) return null;
    const loading = (piece as Piece).load();
    loading.catch(() => {}); // told when it is awaited, if it still is
    return { bytes: (piece as Piece).bytes, loading };
  };
  let left = totalBytes;
  let chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
  let at = 0;
  for (let ahead = next(); ahead; ) {
    signal?.throwIfAborted();
    const { bytes, loading } = ahead;
    const write = await loading;
    ahead = next(); // the next piece is read while this one is turned, and while the caller keeps a chunk
    write(chunk.subarray(at, at + bytes));
    at += bytes;
    if (at < chunk.length) continue;
    yield chunk;
    left -= at;
    chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
    at = 0;
  }
}
