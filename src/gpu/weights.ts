// weights: a checkpoint's U-Net tensors → GPU buffers in f16 or q8, one each, uploaded once and shared by every program.
import { byteLength, lastDim, sameShape, type Tensor } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { Trouble } from '../trouble.ts';
import { laneOf } from './lane.ts';
import { QUANTISER_BYTES, Quantiser } from './quantiser.ts';
import { bytesOf, type Reserved, reserveWeights } from './reserve-weights.ts';
import { channelsLast, readAhead, wholeWords } from './stored-weights.ts';

export interface GpuWeights {
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  readonly bytes: number;
  destroy(): void;
}
export interface UploadOptions {
  signal?: AbortSignal | undefined;
  /** Hears what goes up: f16, whatever becomes of it. For checksums. */
  onWrite?: (name: string, bytes: Uint8Array<ArrayBuffer>) => void;
}

/**
 * Bytes written in one go. A browser copies what is written through shared memory, which must not pile up: before one go ends, the one before it
 * has arrived, so that the GPU takes one while the next is worked on.
 */
const UNFINISHED_BYTES = 32 * 2 ** 20;

/**
 * Uploads the tensors the graph declared. All memory is asked for first; tensors are read a little ahead, so that the model is never in
 * memory whole. f16 goes up as the file has it, and what shall be q8 is quantised on the GPU; convolutions are turned from (O, I, 3, 3) to
 * (O, 3, 3, I); 1×1 convolutions are linear layers.
 * @throws Trouble 'file-damaged' naming a tensor that is missing, has another shape, or cannot be q8 because it holds NaN or infinity;
 *   'out-of-memory' with the weights' bytes alone; the signal's reason. What was made is destroyed first.
 */
export async function uploadWeights(
  device: GPUDevice,
  wanted: ReadonlyMap<string, Tensor>,
  source: TensorSource,
  onProgress?: (doneBytes: number, totalBytes: number) => void,
  { signal, onWrite }: UploadOptions = {},
): Promise<GpuWeights> {
  const file = source.fileName ?? 'unet/diffusion_pytorch_model.safetensors';
  checkShapes(wanted, source, file);
  signal?.throwIfAborted();
  const reserved = reserveWeights(device, wanted);
  const { buffers, granted } = reserved;
  const total = bytesOf(wanted);
  const destroy = (): void => buffers.forEach((b) => void b.destroy());
  const write = await writer(device, wanted, reserved, onWrite).catch((error: unknown) => {
    destroy();
    throw error;
  });
  let done = 0;
  let unfinished = 0;
  let arrived: Promise<undefined> | undefined;
  try {
    for (const { tensor, reading } of readAhead([...wanted.values()], source)) {
      await granted.get(tensor.name);
      const halves = await reading;
      signal?.throwIfAborted();
      if (tensor.shape.length === 4) channelsLast(halves, lastDim(tensor.shape));
      await write.tensor(tensor, halves);
      unfinished += halves.byteLength;
      if (unfinished >= UNFINISHED_BYTES) {
        device.queue.submit([]);
        await arrived;
        arrived = laneOf(device).waits.done();
        arrived.catch(() => {}); // told when it is waited for
        unfinished = 0;
      }
      done += byteLength(tensor);
      onProgress?.(done, total);
    }
    await write.end(file);
  } catch (error) {
    destroy();
    throw error;
  } finally {
    write.destroy();
  }
  return { buffers, bytes: total, destroy };
}

interface Writer {
  tensor(tensor: Tensor, halves: Uint16Array<ArrayBuffer>): Promise<void>;
  /** @throws Trouble 'file-damaged' naming a weight that q8 cannot hold. */
  end(file: string): Promise<void>;
  destroy(): void;
}

/** f16 goes to its buffer as it is; what shall be q8 goes through the quantiser. */
async function writer(
  device: GPUDevice,
  wanted: ReadonlyMap<string, Tensor>,
  { buffers, granted }: Reserved,
  onWrite: UploadOptions['onWrite'],
): Promise<Writer> {
  const matrices = [...wanted.values()].filter((t) => t.dtype === 'q8');
  const index = new Map(matrices.map((t, i) => [t, i]));
  const quantiser = matrices.length > 0 ? await Quantiser.make(device, matrices.length) : undefined;
  if (quantiser === null) {
    await Promise.all(granted.values()); // if there was no room for the weights, that is what is told
    const gotBytes = bytesOf(wanted);
    throw new Trouble('out-of-memory', { neededBytes: gotBytes + QUANTISER_BYTES, gotBytes, fits: null });
  }
  return {
    async tensor(tensor, halves) {
      const buffer = buffers.get(tensor.name) as GPUBuffer;
      const matrix = index.get(tensor);
      const bytes = wholeWords(halves);
      if (quantiser && matrix !== undefined) await quantiser.write(buffer, matrix, halves);
      else device.queue.writeBuffer(buffer, 0, bytes);
      onWrite?.(tensor.name, bytes);
    },
    async end(file) {
      for (const [i, at] of ((await quantiser?.notFinite()) ?? []).entries())
        if (at >= 0)
          throw new Trouble('file-damaged', {
            file,
            expected: `${(matrices[i] as Tensor).name}: finite numbers`,
            got: `NaN or infinity at ${at}`,
          });
    },
    destroy: () => quantiser?.destroy(),
  };
}

function checkShapes(wanted: ReadonlyMap<string, Tensor>, source: TensorSource, file: string): void {
  const keys = new Set(source.keys());
  for (const [name, tensor] of wanted) {
    const expected = fileShapes(tensor.shape);
    const got = keys.has(name) ? source.shape(name) : undefined;
    if (!got || !expected.some((shape) => sameShape(shape, got)))
      throw new Trouble('file-damaged', {
        file,
        expected: `${name} ${expected.map((s) => `[${s}]`).join(' or ')}`,
        got: got ? `[${got}]` : 'no such tensor',
      });
  }
}

/** What the file may hold for a parameter of this shape. */
function fileShapes(shape: readonly number[]): number[][] {
  if (shape.length === 4) return [[shape[0] as number, shape[3] as number, 3, 3]];
  if (shape.length === 2) return [[...shape], [...shape, 1, 1]];
  return [[...shape]];
}
