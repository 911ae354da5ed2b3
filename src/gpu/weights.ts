// weights: a checkpoint's U-Net tensors → GPU buffers in f16 or q8, one each, uploaded once and shared by every program.
import { toF16 } from '../tensor/half.ts';
import { byteLength, Q8, sameShape, type Tensor } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { Trouble } from '../trouble.ts';
import { Quantiser } from './quantiser.ts';
import { halvesOf, type Piece, pieceHalves, pieces, wholeWords } from './stored-weights.ts';

export interface GpuWeights {
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
  readonly bytes: number;
  destroy(): void;
}
export interface UploadOptions {
  signal?: AbortSignal | undefined;
  /** Hears every byte that goes up (f16, whatever becomes of it), a tensor's pieces in order; `bytes` is good only during the call. For checksums. */
  onWrite?: (name: string, offset: number, bytes: Uint8Array<ArrayBuffer>) => void;
}

/** File bytes being read or waiting their turn; one tensor may be more. */
const AHEAD_BYTES = 64 * 2 ** 20;
const AHEAD_TENSORS = 16;
/**
 * Bytes written in one go. A browser copies what is written through shared memory, which must not pile up: before one go ends, the one before it
 * has arrived, so that the GPU takes one while the next is worked on.
 */
const UNFINISHED_BYTES = 32 * 2 ** 20;
/** Buffers are reserved in portions of about this size: so exactly is it known what was granted before one was refused. */
const RESERVED_BYTES = 64 * 2 ** 20;

/**
 * Uploads the tensors the graph declared. All memory is reserved first; then tensors are read a little ahead, so that the model is never in
 * memory whole. f16 goes up as the file has it, and what shall be q8 is quantised on the GPU; convolutions are turned from (O, I, 3, 3) to (O, 3, 3, I); 1×1 convolutions are linear layers.
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
  const buffers = await reserveWeights(device, wanted);
  const total = bytesOf(wanted);
  const destroy = (): void => buffers.forEach((b) => void b.destroy());
  const write = await writer(device, wanted, buffers, onWrite).catch((error: unknown) => {
    destroy();
    throw error;
  });
  let done = 0;
  let unfinished = 0;
  let arrived: Promise<undefined> | undefined;
  try {
    for await (const { tensor, halves } of readAhead([...wanted.values()], source)) {
      for (const piece of pieces(tensor.shape, halves)) {
        signal?.throwIfAborted();
        write.piece(tensor, piece);
        unfinished += piece.halves.byteLength;
        if (unfinished >= UNFINISHED_BYTES) {
          device.queue.submit([]);
          await arrived;
          arrived = device.queue.onSubmittedWorkDone();
          unfinished = 0;
        }
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
  piece(tensor: Tensor, piece: Piece): void;
  /** @throws Trouble 'file-damaged' naming a weight that q8 cannot hold. */
  end(file: string): Promise<void>;
  destroy(): void;
}

/** f16 goes to its buffer as it is; what shall be q8 goes through the quantiser. */
async function writer(
  device: GPUDevice,
  wanted: ReadonlyMap<string, Tensor>,
  buffers: ReadonlyMap<string, GPUBuffer>,
  onWrite: UploadOptions['onWrite'],
): Promise<Writer> {
  const matrices = [...wanted.values()].filter((t) => t.dtype === 'q8');
  const index = new Map(matrices.map((t, i) => [t, i]));
  const mostHalves = matrices.reduce((most, t) => Math.max(most, pieceHalves(t.shape)), 0);
  const quantiser = matrices.length > 0 ? await Quantiser.make(device, mostHalves, matrices.length) : undefined;
  if (quantiser === null) {
    const gotBytes = bytesOf(wanted);
    throw new Trouble('out-of-memory', { neededBytes: gotBytes + 2 * mostHalves, gotBytes, fits: null });
  }
  return {
    piece(tensor, { first, halves }) {
      const bytes = wholeWords(halves);
      const buffer = buffers.get(tensor.name) as GPUBuffer;
      const matrix = index.get(tensor);
      if (quantiser && matrix !== undefined) quantiser.write(buffer, matrix, first / Q8.group, halves);
      else device.queue.writeBuffer(buffer, 2 * first, bytes);
      onWrite?.(tensor.name, 2 * first, bytes);
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

const bytesOf = (tensors: ReadonlyMap<string, Tensor>): number =>
  [...tensors.values()].reduce((sum, t) => sum + byteLength(t), 0);

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

async function reserveWeights(device: GPUDevice, wanted: ReadonlyMap<string, Tensor>): Promise<Map<string, GPUBuffer>> {
  const buffers = new Map<string, GPUBuffer>();
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  let gotBytes = 0;
  let portion = 0;
  const settle = async (): Promise<void> => {
    if (await device.popErrorScope()) {
      for (const buffer of buffers.values()) buffer.destroy();
      throw new Trouble('out-of-memory', { neededBytes: bytesOf(wanted), gotBytes, fits: null });
    }
    gotBytes += portion;
    portion = 0;
  };
  for (const [name, tensor] of wanted) {
    const size = byteLength(tensor);
    if (portion === 0) device.pushErrorScope('out-of-memory');
    buffers.set(name, device.createBuffer({ label: name, size, usage }));
    portion += size;
    if (portion >= RESERVED_BYTES) await settle();
  }
  if (portion > 0) await settle();
  return buffers;
}

interface Read {
  tensor: Tensor;
  halves: Uint16Array<ArrayBuffer>;
}

/** The tensors in order; while one is worked on, the next are read. */
async function* readAhead(tensors: readonly Tensor[], source: TensorSource): AsyncGenerator<Read> {
  const reading: { tensor: Tensor; result: Promise<Uint16Array<ArrayBuffer>>; bytes: number }[] = [];
  let ahead = 0;
  let next = 0;
  while (next < tensors.length || reading.length > 0) {
    while (next < tensors.length && reading.length < AHEAD_TENSORS && (ahead < AHEAD_BYTES || reading.length === 0)) {
      const tensor = tensors[next++] as Tensor;
      const result = readHalves(source, tensor.name);
      result.catch(() => {}); // told when its turn comes
      const bytes = byteLength(tensor);
      reading.push({ tensor, result, bytes });
      ahead += bytes;
    }
    const { tensor, result, bytes } = reading.shift() as (typeof reading)[number];
    yield { tensor, halves: await result };
    ahead -= bytes;
  }
}

async function readHalves(source: TensorSource, name: string): Promise<Uint16Array<ArrayBuffer>> {
  const dtype = source.dtype?.(name) ?? '';
  const raw = source.bytes && ['F16', 'BF16', 'F32'].includes(dtype) ? halvesOf(await source.bytes(name), dtype) : null;
  return raw ?? toF16(await source.float32(name));
}
