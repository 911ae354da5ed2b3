// Tensor: a name, a shape, a storage type and where it lives. The vocabulary of graph, plan and gpu; it holds no data.

/** How activations and gradients are stored. */
export type DType = 'f32' | 'f16';
/** Frozen weights may also lie in q8: 8 bits and a share of a scale (shaders/quantise.wgsl). u32: words that only their kernel understands. */
export type StorageType = DType | 'q8' | 'u32';

/** q8's sizes: `block` weights along the last dimension share a scale, `group` weights take `groupWords` words of 32 bits. */
export const Q8 = { block: 32, group: 64, groupWords: 17 } as const;

/** Where a tensor's bytes live and who may write them. */
export type TensorKind =
  | 'weight' // frozen, uploaded once, bound read-only
  | 'lora' // trainable: a range of the flat LoRA buffer
  | 'lora-grad' // the same range of the flat gradient buffer
  | 'input' // written by the CPU before each run
  | 'output' // kept to the end of the run, for readback
  | 'state' // persists across runs: optimizer moments and step state
  | 'temp'; // anything else: a range of the arena, alive from its writer to its last reader

export interface Tensor {
  readonly id: number;
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StorageType;
  readonly kind: TensorKind;
}

/** Number of elements of a shape; 1 for a scalar (`[]`). */
export const numel = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

export const bytesPer: Record<StorageType, number> = { f32: 4, f16: 2, q8: (4 * Q8.groupWords) / Q8.group, u32: 4 };

/** Bytes a tensor takes, rounded up to a whole u32 (an odd number of f16 values ends in half a word of padding). */
export const byteLength = (t: Pick<Tensor, 'shape' | 'dtype'>): number =>
  Math.ceil((numel(t.shape) * bytesPer[t.dtype]) / 4) * 4;

/** Whether weights of this shape can be q8: a matrix or a convolution, of whole blocks and whole groups. The rest stay f16. */
export const fitsQ8 = (shape: readonly number[]): boolean =>
  shape.length > 1 && lastDim(shape) % Q8.block === 0 && numel(shape) % Q8.group === 0;

export const lastDim = (shape: readonly number[]): number => shape[shape.length - 1] ?? 1;
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** `12×16×64 f16`, for tables and messages. */
export const describeTensor = (t: Pick<Tensor, 'shape' | 'dtype'>): string =>
  `${t.shape.join('×') || 'scalar'} ${t.dtype}`;
