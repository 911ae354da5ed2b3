// A device in; how many bytes of buffers live on it now and lived at most, and the sha256 of what was written to the buffers that matter, out.
import { createHash, type Hash } from 'node:crypto';

export interface Watch {
  readonly liveBytes: number;
  readonly peakBytes: number;
  /** Buffer label → sha256 of everything written to it, in order. */
  digests(): Map<string, string>;
  /** Time that the hashing took: no part of an upload. */
  readonly hashMs: number;
}

/** Watches a device from now on, by taking the place of its `createBuffer` and of its queue's `writeBuffer`. */
export function watch(device: GPUDevice, hashed: (label: string) => boolean): Watch {
  let live = 0;
  let peak = 0;
  let hashMs = 0;
  const hashes = new Map<GPUBuffer, { label: string; hash: Hash; end: number }>();
  const { queue } = device;
  const createBuffer = device.createBuffer.bind(device);
  const writeBuffer = queue.writeBuffer.bind(queue);

  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let alive = true;
    live += descriptor.size;
    peak = Math.max(peak, live);
    buffer.destroy = () => {
      if (alive) live -= descriptor.size;
      alive = false;
      return destroy();
    };
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
    get liveBytes() {
      return live;
    },
    get peakBytes() {
      return peak;
    },
    get hashMs() {
      return hashMs;
    },
    digests: () => new Map([...hashes.values()].map(({ label, hash }) => [label, hash.copy().digest('hex')])),
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
