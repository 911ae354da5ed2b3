// reserve: what the programs need besides weights → every buffer, made at once inside out-of-memory scopes. Nothing is allocated later.
import { dimsTable, type Programs } from '../plan/programs.ts';
import { byteLength } from '../tensor/tensor.ts';
import { Trouble } from '../trouble.ts';

export interface EngineBuffers {
  get(name: string): GPUBuffer | undefined;
  destroy(): void;
}

/** What `make` made, or `null` where the device has no room for it. A validation error is not caught. */
export async function ifRoom<T>(device: GPUDevice, make: () => T): Promise<T | null> {
  device.pushErrorScope('out-of-memory');
  const made = make();
  return (await device.popErrorScope()) ? null : made;
}

/**
 * One buffer after another, so that it is known which was refused.
 * @throws Trouble 'out-of-memory' with the bytes that were granted, and those of the weights, which the device holds already. What was made is
 *   destroyed first.
 */
export async function reserve(device: GPUDevice, built: Programs): Promise<EngineBuffers> {
  const made = new Map<string, GPUBuffer>();
  const destroy = (): void => {
    for (const buffer of made.values()) buffer.destroy();
  };
  let gotBytes = built.bytes.weights;
  for (const descriptor of wanted(built)) {
    const buffer = await ifRoom(device, () => device.createBuffer(descriptor));
    if (!buffer) {
      destroy();
      throw new Trouble('out-of-memory', { neededBytes: built.bytes.total, gotBytes, fits: null });
    }
    made.set(descriptor.label, buffer);
    gotBytes += descriptor.size;
  }
  return { get: (name) => made.get(name), destroy };
}

interface Wanted {
  label: string;
  size: number; // bytes
  usage: GPUBufferUsageFlags;
}

/** Largest first: what does not fit shows before the rest is made. */
function wanted({ slabBytes, lora, ioBytes, state, plans, readback }: Programs): Wanted[] {
  const { STORAGE, COPY_SRC, COPY_DST, UNIFORM, MAP_READ } = GPUBufferUsage;
  const storage = STORAGE | COPY_SRC | COPY_DST;
  const staging = MAP_READ | COPY_DST;
  const buffers: Wanted[] = [
    ...slabBytes.map((size, i) => ({ label: `arena:${i}`, size, usage: storage })),
    { label: 'lora', size: lora.bytes, usage: storage },
    { label: 'grads', size: plans.train ? lora.bytes : 0, usage: storage },
    { label: 'io', size: ioBytes, usage: storage },
    ...[...state].map(([name, t]) => ({ label: `state:${name}`, size: byteLength(t), usage: storage })),
    ...Object.entries(plans).map(([name, p]) => ({
      label: `dims:${name}`,
      size: dimsTable(p).bytes,
      usage: UNIFORM | COPY_DST,
    })),
    { label: 'checkpoint', size: readback.checkpointBytes, usage: staging },
    ...Array.from({ length: readback.slots }, (_, i) => ({
      label: `readback:${i}`,
      size: readback.slotBytes,
      usage: staging,
    })),
  ];
  return buffers.filter(({ size }) => size > 0);
}
