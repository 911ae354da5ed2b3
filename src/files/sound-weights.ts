// A tensor's values, as a file has them and as f16, in; Trouble 'broken-weights' that counts what is no finite number, where there is any, out.
import { countNotFinite } from '../tensor/half.ts';
import { Trouble, type TroubleFacts } from '../trouble.ts';
import { bytesPerElement, intoF16, isWeightDType, toFloat32 } from './dtypes.ts';
import type { SafetensorsFile } from './safetensors.ts';

type Found = TroubleFacts['broken-weights']['found'];
type WeightDType = Parameters<typeof intoF16>[1];

const WORDS: Readonly<Record<Found, string>> = {
  nan: 'are not a number',
  infinite: 'are infinite',
  'too-large': 'are larger than 65504, the largest f16',
};
const WORST: readonly Found[] = ['nan', 'infinite', 'too-large'];

/** Told of each tensor with a value that is no finite f16. */
export type OnBroken = (broken: Trouble<'broken-weights'>) => void;

/** What is heard of one tensor, piece by piece. */
export class TensorCheck {
  #count = 0;
  #found: Found = 'too-large';

  constructor(
    readonly file: string,
    readonly tensor: string,
  ) {}

  /** `halves`: what became of `source`. Only where one of them is not finite is the source looked at. */
  hear(halves: Uint16Array, source: Uint8Array, dtype: WeightDType): void {
    const count = countNotFinite(halves);
    if (count === 0) return;
    this.#count += count;
    const values = toFloat32(source, dtype) ?? [];
    for (const value of values) if (!(Math.abs(value) <= 65504)) this.#found = worse(this.#found, kindOf(value));
  }

  /** Trouble 'broken-weights' if anything of the tensor was not finite. */
  verdict(): Trouble<'broken-weights'> | null {
    if (this.#count === 0) return null;
    const { file, tensor } = this;
    const facts = { file, tensor, found: this.#found, count: this.#count };
    return new Trouble('broken-weights', facts, `${file}: ${facts.count} values of “${tensor}” ${WORDS[facts.found]}.`);
  }
}

const kindOf = (value: number): Found =>
  Number.isNaN(value) ? 'nan' : Number.isFinite(value) ? 'too-large' : 'infinite';
const worse = (a: Found, b: Found): Found => (WORST.indexOf(b) < WORST.indexOf(a) ? b : a);

const SLICE_VALUES = 2 ** 21;

/** Reads every weight of a file that is kept as it came. Throws Trouble 'broken-weights' naming the first tensor with a value that is no finite f16. */
export async function checkSound(
  file: SafetensorsFile,
  signal?: AbortSignal,
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const halves = new Uint16Array(SLICE_VALUES);
  for (const key of file.keys()) {
    const dtype = file.dtype(key);
    if (!isWeightDType(dtype)) continue;
    const check = new TensorCheck(file.fileName, key);
    const size = SLICE_VALUES * bytesPerElement[dtype];
    const bytes = file.shape(key).reduce((product, dim) => product * dim, bytesPerElement[dtype]);
    for (let at = 0; at < bytes; at += size) {
      signal?.throwIfAborted();
      const source = await file.slice(key, at, Math.min(at + size, bytes));
      const some = halves.subarray(0, source.length / bytesPerElement[dtype]);
      intoF16(source, dtype, some);
      check.hear(some, source, dtype);
      onBytes(source.length);
    }
    const broken = check.verdict();
    if (broken) throw broken;
  }
}
