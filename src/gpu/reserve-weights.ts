// reserve-weights: the tensors a U-Net's weights are → a buffer for each, asked for at once, and when each is there.
import { byteLength, type Tensor } from '../tensor/tensor.ts';
import { Trouble } from '../trouble.ts';

/** Buffers are reserved in portions of about this size: so exactly is it known what was granted before one was refused. */
const RESERVED_BYTES = 64 * 2 ** 20;

export interface Reserved {
  buffers: Map<string, GPUBuffer>;
  /** By name, when the device has said that a buffer and all before it are there. Rejects with Trouble 'out-of-memory'. */
  granted: Map<string, Promise<number>>;
}

/** Asks for all buffers at once; a driver may take seconds to find so much memory, in which the first tensors can be read and written. */
export function reserveWeights(device: GPUDevice, wanted: ReadonlyMap<string, Tensor>): Reserved {
  const buffers = new Map<string, GPUBuffer>();
  const granted = new Map<string, Promise<number>>();
  const neededBytes = bytesOf(wanted);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  let got = Promise.resolve(0);
  let portion: string[] = [];
  let portionBytes = 0;
  const settle = (): void => {
    const bytes = portionBytes;
    got = Promise.all([got, device.popErrorScope()]).then(([gotBytes, refused]) => {
      if (refused) throw new Trouble('out-of-memory', { neededBytes, gotBytes, fits: null });
      return gotBytes + bytes;
    });
    got.catch(() => {}); // told when the tensor's turn comes
    for (const name of portion) granted.set(name, got);
    portion = [];
    portionBytes = 0;
  };
  for (const [name, tensor] of wanted) {
    const size = byteLength(tensor);
    if (portionBytes === 0) device.pushErrorScope('out-of-memory');
    buffers.set(name, device.createBuffer({ label: name, size, usage }));
    portion.push(name);
    portionBytes += size;
    if (portionBytes >= RESERVED_BYTES) settle();
  }
  if (portionBytes > 0) settle();
  return { buffers, granted };
}

/** What they take together. */
export const bytesOf = (tensors: ReadonlyMap<string, Tensor>): number =>
  [...tensors.values()].reduce((sum, t) => sum + byteLength(t), 0);
