// A checkpoint's tensors read one after another and handed to a GPU, nothing else: what an upload is measured by. Runs in Node and in a page.
import type { SafetensorsFile } from '../../src/files/safetensors.ts';

/** As an upload does: what is written must not pile up. */
const UNFINISHED_BYTES = 64 * 2 ** 20;

/** @returns seconds. */
export async function readAndWrite(device: GPUDevice, source: SafetensorsFile): Promise<number> {
  const bytes = source.keys().map((key) => source.shape(key).reduce((n, d) => n * d, 4));
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const scratch = device.createBuffer({ label: 'scratch', size: Math.max(...bytes), usage });
  const began = performance.now();
  let unfinished = 0;
  for (const key of source.keys()) {
    const data = await source.bytes(key);
    device.queue.writeBuffer(scratch, 0, data);
    unfinished += data.length;
    if (unfinished < UNFINISHED_BYTES) continue;
    await device.queue.onSubmittedWorkDone();
    unfinished = 0;
  }
  await device.queue.onSubmittedWorkDone();
  const seconds = (performance.now() - began) / 1000;
  scratch.destroy();
  return seconds;
}
