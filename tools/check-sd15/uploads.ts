// A loaded model and the tensors an engine wants in; the sha256 of every buffer as it would be uploaded, out. No GPU is asked.

import type { SafetensorsFile } from '../../src/files/safetensors.ts';
import { uploadWeights } from '../../src/gpu/weights.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { hashWrites } from './write-digests.ts';

/** As an upload does: what is written must not pile up. */
const UNFINISHED_BYTES = 64 * 2 ** 20;

/** Uploads to a device that keeps nothing. */
export async function uploadDigests(
  wanted: ReadonlyMap<string, Tensor>,
  source: SafetensorsFile,
): Promise<Map<string, string>> {
  const device = hollowDevice();
  const written = hashWrites(device, (label) => wanted.has(label));
  await uploadWeights(device, wanted, source);
  return written.digests();
}

/** As much of a device as an upload touches. */
function hollowDevice(): GPUDevice {
  const nothing = async (): Promise<null> => null;
  const device = {
    createBuffer: () => ({ destroy() {} }),
    queue: { writeBuffer() {}, onSubmittedWorkDone: nothing, submit() {} },
    pushErrorScope() {},
    popErrorScope: nothing,
    lost: new Promise(() => {}),
  };
  return device as unknown as GPUDevice;
}

/** Labels whose bytes differ, or that only one side has. */
export const differing = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((label) => a.get(label) !== b.get(label));

/** Seconds for reading every tensor of the file and handing it to a buffer of its own, and nothing else: what an upload is measured by. */
export async function readAndWrite(device: GPUDevice, source: SafetensorsFile): Promise<number> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const buffers: GPUBuffer[] = [];
  const began = performance.now();
  let unfinished = 0;
  for (const key of source.keys()) {
    const data = await source.bytes(key);
    const buffer = device.createBuffer({ label: `scratch ${key}`, size: data.length, usage });
    buffers.push(buffer);
    device.queue.writeBuffer(buffer, 0, data);
    unfinished += data.length;
    if (unfinished < UNFINISHED_BYTES) continue;
    await device.queue.onSubmittedWorkDone();
    unfinished = 0;
  }
  await device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - began) / 1000;
  for (const buffer of buffers) buffer.destroy();
  return seconds;
}
