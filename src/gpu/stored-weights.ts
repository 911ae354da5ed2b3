// A tensor's bytes as its file has them → what the GPU is given: converted to f16 and turned channels-last.
import { bf16ToF16, toF16 } from '../tensor/half.ts';
import { numel, type Tensor } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';

/** Bytes as f16 being read or waiting their turn; one tensor may be more. */
const AHEAD_BYTES = 64 * 2 ** 20;
const AHEAD_TENSORS = 16;

interface Read {
  tensor: Tensor;
  reading: Promise<Uint16Array<ArrayBuffer>>;
}

/** The tensors in order; while one is worked on, the next are read. */
export function* readAhead(tensors: readonly Tensor[], source: TensorSource): Generator<Read> {
  const begun: (Read & { bytes: number })[] = [];
  let ahead = 0;
  let next = 0;
  while (next < tensors.length || begun.length > 0) {
    while (next < tensors.length && begun.length < AHEAD_TENSORS && (ahead < AHEAD_BYTES || begun.length === 0)) {
      const tensor = tensors[next++] as Tensor;
      const reading = readHalves(source, tensor.name);
      reading.catch(() => {}); // told when its turn comes
      const bytes = 2 * numel(tensor.shape);
      begun.push({ tensor, reading, bytes });
      ahead += bytes;
    }
    const { bytes, ...read } = begun.shift() as (typeof begun)[number];
    yield read;
    ahead -= bytes;
  }
}

/** A tensor as f16 bits: laid over its bytes where they are f16 already. */
async function readHalves(source: TensorSource, name: string): Promise<Uint16Array<ArrayBuffer>> {
  const halves = fromBytes[source.dtype?.(name) ?? ''];
  return source.bytes && halves ? halves(await source.bytes(name)) : toF16(await source.float32(name));
}
const fromBytes: Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint16Array<ArrayBuffer>> = {
  F16: ({ buffer }) => new Uint16Array(buffer),
  BF16: ({ buffer }) => bf16ToF16(new Uint16Array(buffer)),
  F32: ({ buffer }) => toF16(new Float32Array(buffer)),
};

/**
 * A convolution's weights, turned from (O, I, 3, 3) to (O, 3, 3, I) where they lie.
 * @param channels I.
 */
export function channelsLast(halves: Uint16Array, channels: number): void {
  const kernel = new Uint16Array(9 * channels); // one output channel's: a processor's cache holds it
  for (let o = 0; o < halves.length; o += kernel.length) {
    kernel.set(halves.subarray(o, o + kernel.length));
    // read in order, written as nine streams
    for (let i = 0, at = 0; i < channels; i++, at += 9) {
      const to = o + i;
      halves[to] = kernel[at] as number;
      halves[to + channels] = kernel[at + 1] as number;
      halves[to + 2 * channels] = kernel[at + 2] as number;
      halves[to + 3 * channels] = kernel[at + 3] as number;
      halves[to + 4 * channels] = kernel[at + 4] as number;
      halves[to + 5 * channels] = kernel[at + 5] as number;
      halves[to + 6 * channels] = kernel[at + 6] as number;
      halves[to + 7 * channels] = kernel[at + 7] as number;
      halves[to + 8 * channels] = kernel[at + 8] as number;
    }
  }
}

/** Halves as they are written: an odd number of them ends in half a word of padding. */
export function wholeWords(halves: Uint16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (halves.length % 2 === 0) return new Uint8Array(halves.buffer, halves.byteOffset, halves.byteLength);
  const padded = new Uint16Array(halves.length + 1);
  padded.set(halves);
  return new Uint8Array(padded.buffer);
}
