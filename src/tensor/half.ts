// f16 ↔ f32 on the CPU: plain numbers in, IEEE 754 binary16 bits out, rounded to nearest even; and back. bf16 bits out likewise.

const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

/** The binary16 bits nearest to `value`; past 65504 becomes ±Inf. */
export function toHalf(value: number): number {
  f32[0] = value;
  return halfFromBits(bits[0] as number);
}

/** The same for a value that is given as the bits of an f32: whole files are turned without one floating-point number. */
function halfFromBits(b: number): number {
  const sign = (b >>> 16) & 0x8000;
  const a = b & 0x7fffffff;
  if (a > 0x7f800000) return sign | 0x7e00;
  if (a >= 0x477ff000) return sign | 0x7c00;
  if (a >= 0x38800000) return sign | (((a + 0xfff + ((a >>> 13) & 1)) >>> 13) - 0x1c000);
  if (a < 0x33000000) return sign;
  const shift = 126 - (a >>> 23);
  const m = (a & 0x7fffff) | 0x800000;
  return sign | ((m + (1 << (shift - 1)) - 1 + ((m >>> shift) & 1)) >>> shift);
}

/** Whole arrays of f32 bits into f16 bits of the same length: as `halfFromBits`, with the usual numbers decided in the loop itself. */
export function halvesFromBits(words: Uint32Array, out: Uint16Array): void {
  for (let i = 0; i < words.length; i++) {
    const b = words[i] as number;
    const a = b & 0x7fffffff;
    const usual = a >= 0x38800000 && a < 0x477ff000;
    out[i] = usual ? ((b >>> 16) & 0x8000) | (((a + 0xfff + ((a >>> 13) & 1)) >>> 13) - 0x1c000) : halfFromBits(b);
  }
}

/** How many halves are NaN or infinite. Two are looked at at once: a checkpoint has a billion of them, nearly always all finite. */
export function countNotFinite(halves: Uint16Array): number {
  if (halves.length === 0) return 0;
  const odd = (halves.byteOffset >> 1) & 1;
  const pairs = new Uint32Array(halves.buffer, halves.byteOffset + 2 * odd, (halves.length - odd) >> 1);
  let some = notFinite(halves[0] as number) || notFinite(halves.at(-1) as number) ? 1 : 0;
  // An exponent of all ones, and only that, carries into the sign's place when one is added to it.
  for (let i = 0; i < pairs.length; i++) some |= (((pairs[i] as number) & 0x7fff7fff) + 0x04000400) & 0x80008000;
  return some === 0 ? 0 : halves.reduce((count, half) => (notFinite(half) ? count + 1 : count), 0);
}
const notFinite = (half: number): boolean => (half & 0x7c00) === 0x7c00;

export function fromHalf(h: number): number {
  const exponent = (h >>> 10) & 0x1f;
  const mantissa = h & 0x3ff;
  const magnitude =
    exponent === 0
      ? mantissa * 2 ** -24
      : exponent === 31
        ? mantissa
          ? Number.NaN
          : Number.POSITIVE_INFINITY
        : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return h & 0x8000 ? -magnitude : magnitude;
}

let table: Float32Array<ArrayBuffer> | undefined;

/** The value of each of the 65,536 halves: a checkpoint has up to a billion of them, and one look-up is cheaper than arithmetic. */
function halfTable(): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, h) => fromHalf(h));
  return table;
}

export const toF16 = (values: ArrayLike<number>): Uint16Array<ArrayBuffer> => {
  const out = new Uint16Array(values.length);
  const f32s = values instanceof Float32Array ? values : Float32Array.from(values);
  const b = new Uint32Array(f32s.buffer, f32s.byteOffset, f32s.length);
  for (let i = 0; i < b.length; i++) out[i] = halfFromBits(b[i] as number);
  return out;
};
export const fromF16 = (halves: Uint16Array): Float32Array<ArrayBuffer> => {
  const value = halfTable();
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) out[i] = value[halves[i] as number] as number;
  return out;
};

/** bfloat16, the upper half of an f32, to the nearest f16. */
export const bf16ToF16 = (words: Uint16Array): Uint16Array<ArrayBuffer> => {
  const out = new Uint16Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = halfFromBits(((words[i] as number) << 16) >>> 0);
  return out;
};

/** bfloat16 bits, the upper half of an f32's, of each value: rounded to nearest even. */
export function toBf16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, (b) =>
    (b & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16,
  );
}
