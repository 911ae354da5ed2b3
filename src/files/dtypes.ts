// safetensors' number formats: raw little-endian bytes in, plain numbers or f16 bits out; and how many bytes each format takes.

import { fromF16, halvesFromBits } from '../tensor/half.ts';

/** Every format a safetensors header may name whose elements are whole bytes, with the bytes one element takes. */
export const bytesPerElement = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const;

export type FileDType = keyof typeof bytesPerElement;

/** Whether `value` names a format of this table. */
export const isFileDType = (value: unknown): value is FileDType =>
  typeof value === 'string' && Object.hasOwn(bytesPerElement, value);

/**
 * `bytes` read as `dtype`, as f32: exact for the formats of 16 and 8 bits, rounded to nearest for the wider ones. `bytes` must start on a multiple
 * of eight in its buffer (a fresh copy does).
 */
export function toFloat32(bytes: Uint8Array, dtype: FileDType): Float32Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  const count = byteLength / bytesPerElement[dtype];
  switch (dtype) {
    case 'F32':
      return new Float32Array(new Float32Array(buffer, byteOffset, count));
    case 'F64':
      return new Float32Array(new Float64Array(buffer, byteOffset, count));
    case 'F16':
      return fromF16(new Uint16Array(buffer, byteOffset, count));
    case 'BF16':
      return fromBf16(new Uint16Array(buffer, byteOffset, count));
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, count), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer, byteOffset, count), Number);
    case 'I32':
      return new Float32Array(new Int32Array(buffer, byteOffset, count));
    case 'U32':
      return new Float32Array(new Uint32Array(buffer, byteOffset, count));
    case 'I16':
      return new Float32Array(new Int16Array(buffer, byteOffset, count));
    case 'U16':
      return new Float32Array(new Uint16Array(buffer, byteOffset, count));
    case 'I8':
      return new Float32Array(new Int8Array(buffer, byteOffset, count));
    case 'U8':
    case 'BOOL':
      return new Float32Array(bytes);
    case 'F8_E4M3':
      return Float32Array.from(bytes, fromE4m3);
    case 'F8_E5M2': // the upper half of an f16
      return fromF16(Uint16Array.from(bytes, (byte) => byte << 8));
  }
}

// torch's float8_e4m3fn: a sign, four bits of exponent from 2⁻⁶ on, three of mantissa; all ones is NaN, and there is no infinity.
function fromE4m3(byte: number): number {
  const [exponent, mantissa] = [(byte >> 3) & 15, byte & 7];
  const size = exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10);
  return (byte & 0x7f) === 0x7f ? Number.NaN : byte & 0x80 ? -size : size;
}

// bfloat16 is the upper half of an f32.
function fromBf16(words: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) out[i] = (words[i] as number) << 16;
  return new Float32Array(out.buffer);
}

/** The formats that the weights of a checkpoint come in. */
export const isWeightDType = (dtype: FileDType): dtype is 'F32' | 'F16' | 'BF16' =>
  dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';

let bf16Table: Uint16Array | undefined;

function newBf16Table(): Uint16Array {
  const table = new Uint16Array(65536);
  halvesFromBits(
    new Uint32Array(65536).map((_, b) => b << 16),
    table,
  );
  return table;
}

/**
 * Writes `bytes`, weights of `dtype`, to `out` as f16 bits, rounded to nearest even; F16 as it is, bit for bit. `bytes` must start on a
 * multiple of four in its buffer, and `out` have room for every element.
 */
export function intoF16(bytes: Uint8Array, dtype: 'F32' | 'F16' | 'BF16', out: Uint16Array): void {
  const { buffer, byteOffset, byteLength } = bytes;
  if (dtype === 'F32') {
    halvesFromBits(new Uint32Array(buffer, byteOffset, byteLength / 4), out);
    return;
  }
  const words = new Uint16Array(buffer, byteOffset, byteLength / 2);
  if (dtype === 'F16') out.set(words);
  else {
    bf16Table ??= newBf16Table();
    const table = bf16Table;
    for (let i = 0; i < words.length; i++) out[i] = table[words[i] as number] as number;
  }
}
