// A checkpoint's tensors read one after another and handed to a GPU, nothing else: what an upload is measured by. Runs in Node and in a page.
import { bytesPerElement } from '../../src/files/dtypes.ts';
import type { SafetensorsFile } from '../../src/files/safetensors.ts';

/** As an upload does: what is written must not pile up. */
const UNFINISHED_BYTES = 64 * 2 ** 20;

/** @returns seconds. */
export async function readAndWrite(device: GPUDevice, source: SafetensorsFile): Promise<number> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  // A buffer for each, as an upload has: memory that is written for the first time costs a driver more.
  const buffers = new Map<string, GPUBuffer>();
  for (const key of source.keys()) {
    const size = Math.ceil(source.shape(key).reduce((n, d) => n * d, bytesPerElement[source.dtype(key)]) / 4) * 4;
    buffers.set(key, device.createBuffer({ label: `beside ${key}`, size, usage }));
  }
  const began = performance.now();
  let unfinished = 0;
  for (const [key, buffer] of buffers) {
    const data = await source.bytes(key);
    device.queue.writeBuffer(buffer, 0, data);
    unfinished += data.length;
    if (unfinished < UNFINISHED_BYTES) continue;
    await device.queue.onSubmittedWorkDone();
    unfinished = 0;
  }
  await device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - began) / 1000;
  for (const buffer of buffers.values()) buffer.destroy();
  await device.queue.onSubmittedWorkDone();
  return seconds;
}
