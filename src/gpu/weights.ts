// weights: a checkpoint's U-Net tensors → GPU buffers in f16, one each, uploaded once and shared by every program.

import { toF16 } from '../tensor/half.ts';
import { byteLength, numel, sameShape, type Tensor } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { Trouble } from '../trouble.ts';

export interface GpuWeights {
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  readonly bytes: number;
  destroy(): void;
}

/**
 * Uploads the tensors the graph declared, reading one at a time so that the model is never in memory whole. Convolutions are turned from
 * (O, I, 3, 3) to (O, 3, 3, I); 1×1 convolutions are linear layers.
 * @throws Trouble 'file-damaged' naming a tensor that is missing or has another shape.
 */
export async function uploadWeights(
  device: GPUDevice,
  wanted: ReadonlyMap<string, Tensor>,
  source: TensorSource,
  onProgress?: (doneBytes: number, totalBytes: number) => void,
): Promise<GpuWeights> {
  const buffers = new Map<string, GPUBuffer>();
  const keys = new Set(source.keys());
  const file = source.fileName ?? 'unet/diffusion_pytorch_model.safetensors';
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
  const total = [...wanted.values()].reduce((sum, t) => sum + byteLength(t), 0);
  let done = 0;
  for (const [name, tensor] of wanted) {
    const size = byteLength(tensor);
    const buffer = device.createBuffer({ label: name, size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
    const values = arranged(await source.float32(name), tensor.shape);
    const words = new Uint8Array(size);
    const stored = tensor.dtype === 'f16' ? toF16(values) : values;
    words.set(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength));
    device.queue.writeBuffer(buffer, 0, words);
    buffers.set(name, buffer);
    done += size;
    onProgress?.(done, total);
  }
  return { buffers, bytes: total, destroy: () => buffers.forEach((b) => void b.destroy()) };
}

/** What the file may hold for a parameter of this shape. */
function fileShapes(shape: readonly number[]): number[][] {
  if (shape.length === 4) return [[shape[0] as number, shape[3] as number, 3, 3]];
  if (shape.length === 2) return [[...shape], [...shape, 1, 1]];
  return [[...shape]];
}

function arranged(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return values;
  const [o, , , i] = shape as [number, number, number, number];
  const out = new Float32Array(numel(shape));
  for (let a = 0; a < o; a++)
    for (let b = 0; b < i; b++)
      for (let tap = 0; tap < 9; tap++) out[(a * 9 + tap) * i + b] = values[(a * i + b) * 9 + tap] as number;
  return out;
}
