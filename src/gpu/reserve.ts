// reserve: what the programs need besides weights → every buffer, made at once inside an out-of-memory scope. Nothing is allocated later.
import type { Programs } from '../plan/programs.ts';
import { byteLength } from '../tensor/tensor.ts';
import { Trouble } from '../trouble.ts';

export interface EngineBuffers {
  get(name: string): GPUBuffer | undefined;
  destroy(): void;
}

/** @throws Trouble 'out-of-memory' with the bytes that did not fit; what was made is destroyed first. */
export async function reserve(device: GPUDevice, built: Programs): Promise<EngineBuffers> {
  const made = new Map<string, GPUBuffer>();
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const make = (label: string, size: number): void => {
    if (size > 0) made.set(label, device.createBuffer({ label, size, usage }));
  };
  const destroy = (): void => {
    for (const buffer of made.values()) buffer.destroy();
  };
  device.pushErrorScope('out-of-memory');
  built.slabBytes.forEach((bytes, i) => void make(`arena:${i}`, bytes));
  make('lora', built.lora.bytes);
  if (built.plans.train) make('grads', built.lora.bytes);
  make('io', built.ioBytes);
  for (const [name, t] of built.state) make(`state:${name}`, byteLength(t));
  const failed = await device.popErrorScope();
  if (failed) {
    destroy();
    throw new Trouble('out-of-memory', { neededBytes: built.bytes.total, gotBytes: 0, fits: null });
  }
  return { get: (name) => made.get(name), destroy };
}
