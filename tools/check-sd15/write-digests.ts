// A device in; the sha256 of what was written to each of the buffers that matter, out: taken at the queue, whoever writes.
import { createHash, type Hash } from 'node:crypto';

export interface WriteDigests {
  /** Label of each buffer that was written → sha256 of everything written to it, in order. */
  digests(): Map<string, string>;
  /** Time that the hashing took: no part of an upload. */
  readonly hashMs: number;
}

/** Wraps the device's `createBuffer` and its queue's `writeBuffer`. A buffer must be written from its beginning to its end. */
export function hashWrites(device: GPUDevice, hashed: (label: string) => boolean): WriteDigests {
  let hashMs = 0;
  const hashes = new Map<GPUBuffer, { label: string; hash: Hash; end: number }>();
  const { queue } = device;
  const createBuffer = device.createBuffer.bind(device);
  const writeBuffer = queue.writeBuffer.bind(queue);
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const { label } = descriptor;
    if (label && hashed(label)) hashes.set(buffer, { label, hash: createHash('sha256'), end: 0 });
    return buffer;
  };
  queue.writeBuffer = (buffer, offset, data, dataOffset = 0, size): undefined => {
    const seen = hashes.get(buffer);
    if (seen) {
      const began = performance.now();
      if (offset !== seen.end) throw new Error(`${seen.label}: written at ${offset}, expected ${seen.end}`);
      const bytes = written(data as ArrayBuffer | ArrayBufferView, dataOffset, size);
      seen.hash.update(bytes);
      seen.end += bytes.byteLength;
      hashMs += performance.now() - began;
    }
    writeBuffer(buffer, offset, data, dataOffset, size);
  };
  return {
    digests: () =>
      new Map(
        [...hashes.values()].filter(({ end }) => end > 0).map(({ label, hash }) => [label, hash.copy().digest('hex')]),
      ),
    get hashMs() {
      return hashMs;
    },
  };
}

/** The bytes that a `writeBuffer` takes: offset and size count elements of a typed array, bytes of anything else. */
function written(data: ArrayBuffer | ArrayBufferView, dataOffset: number, size: number | undefined): Uint8Array {
  const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data);
  const unit = 'BYTES_PER_ELEMENT' in view ? (view as Uint8Array).BYTES_PER_ELEMENT : 1;
  const begin = dataOffset * unit;
  const length = size === undefined ? view.byteLength - begin : size * unit;
  return new Uint8Array(view.buffer, view.byteOffset + begin, length);
}
