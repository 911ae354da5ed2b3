// Safetensors files, right and wrong: every right one comes back as written, every wrong one is Trouble 'file-damaged' and costs no memory.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesPerElement, type FileDType } from '../../src/files/dtypes.ts';
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import { Trouble } from '../../src/trouble.ts';
import { forge, troubleOf } from './forged.ts';

const one = (dtype: FileDType, shape: number[], data: ArrayBufferView): Uint8Array =>
  writeSafetensors([{ name: 't', dtype, shape, data }]);
const numbers = async (bytes: Uint8Array) => [...(await (await readSafetensors(bytes, 'x')).float32('t'))];

const tensorArbitrary = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(bytesPerElement) as FileDType[])),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
  })
  .chain(({ dtype, shape }) => {
    const length = shape.reduce((n, d) => n * d, bytesPerElement[dtype]);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ dtype, shape, data }));
  });
const fileArbitrary = fc
  .dictionary(
    fc.string({ maxLength: 12 }).filter((name) => name !== '__metadata__' && name !== '__proto__'),
    tensorArbitrary,
    { maxKeys: 5 },
  )
  .map((named) => Object.entries(named).map(([name, tensor]): TensorToWrite => ({ name, ...tensor })));
const metadataArbitrary = fc
  .dictionary(fc.string(), fc.string(), { maxKeys: 3 })
  .filter((m) => !Object.hasOwn(m, '__proto__'));

describe('what is written comes back', () => {
  it('any tensors and metadata, from bytes and from a Blob', async () => {
    await fc.assert(
      fc.asyncProperty(fileArbitrary, metadataArbitrary, async (tensors, metadata) => {
        const bytes = writeSafetensors(tensors, metadata);
        expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n);
        for (const source of [bytes, new Blob([bytes])]) {
          const file = await readSafetensors(source, 'x.safetensors');
          expect({ ...file.metadata }).toEqual({ ...metadata });
          expect(file.keys().sort()).toEqual(tensors.map((t) => t.name).sort());
          for (const { name, dtype, shape, data } of tensors) {
            expect(file.dtype(name)).toBe(dtype);
            expect(file.shape(name)).toEqual(shape);
            expect(await file.bytes(name)).toEqual(data);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('every number format', async () => {
    const values = [0, 1, -2.5, 65504];
    expect(await numbers(one('F32', [4], Float32Array.from(values)))).toEqual(values);
    expect(await numbers(one('F64', [2, 2], Float64Array.from(values)))).toEqual(values);
    expect(await numbers(one('F16', [4], Uint16Array.of(0x0000, 0x3c00, 0xc100, 0x7bff)))).toEqual(values);
    expect(await numbers(one('F16', [2], Uint16Array.of(0x0001, 0xfc00)))).toEqual([
      2 ** -24,
      Number.NEGATIVE_INFINITY,
    ]);
    expect(await numbers(one('BF16', [2], Uint16Array.of(0x3f80, 0xc020)))).toEqual([1, -2.5]);
    expect(await numbers(one('I64', [2], BigInt64Array.of(-7n, 1000n)))).toEqual([-7, 1000]);
    expect(await numbers(one('I32', [2], Int32Array.of(-7, 49407)))).toEqual([-7, 49407]);
    expect(await numbers(one('BOOL', [2], Uint8Array.of(0, 1)))).toEqual([0, 1]);
    expect(await numbers(one('F32', [], Float32Array.of(3)))).toEqual([3]);
    // As torch reads its float8_e4m3fn and float8_e5m2.
    const e4m3 = Uint8Array.of(0, 1, 0x08, 0xb8, 0x7e, 0x7f);
    expect(await numbers(one('F8_E4M3', [6], e4m3))).toEqual([0, 2 ** -9, 2 ** -6, -1, 448, Number.NaN]);
    const e5m2 = Uint8Array.of(1, 0x3c, 0x7b, 0xfc);
    expect(await numbers(one('F8_E5M2', [4], e5m2))).toEqual([2 ** -16, 1, 57344, Number.NEGATIVE_INFINITY]);
  });

  it('a header that is not a multiple of eight long, so that the data is not aligned', async () => {
    const bytes = forge('{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4);
    bytes.set(new Uint8Array(Float32Array.of(1.5).buffer), bytes.length - 4);
    expect(bytes.length % 4).not.toBe(0);
    expect(await numbers(bytes)).toEqual([1.5]);
  });

  it('bytes that are a view into a larger buffer', async () => {
    const bytes = one('F32', [2], Float32Array.of(1, 2));
    const larger = new Uint8Array(bytes.length + 7);
    larger.set(bytes, 3);
    expect(await numbers(larger.subarray(3, 3 + bytes.length))).toEqual([1, 2]);
  });
});

describe('a damaged file', () => {
  const good = one('F32', [4], Float32Array.of(1, 2, 3, 4));

  it('cut short anywhere', async () => {
    for (let length = 0; length < good.length; length++) await troubleOf(good.slice(0, length));
  });

  it('with bytes to spare', async () => {
    const { facts } = await troubleOf(Uint8Array.from([...good, 0]));
    expect(facts).toEqual({
      file: 'x.safetensors',
      expected: `a file of ${good.length} bytes, as its header promises`,
      got: `${good.length + 1} bytes`,
    });
  });

  const t = (dtype: string, shape: string, offsets: string, name = 't') =>
    `"${name}":{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
  const wrong: [why: string, header: string, dataBytes: number, says: RegExp][] = [
    ['a gap', `{${t('"U8"', '[2]', '[2,4]')}}`, 4, /gap/],
    ['an overlap', `{${t('"U8"', '[4]', '[0,4]', 'a')},${t('"U8"', '[2]', '[2,4]', 'b')}}`, 4, /overlaps/],
    [
      'one range for two tensors',
      `{${t('"U8"', '[4]', '[0,4]', 'a')},${t('"U8"', '[4]', '[0,4]', 'b')}}`,
      4,
      /overlaps/,
    ],
    ['a name twice', `{${t('"U8"', '[4]', '[0,4]')},${t('"U8"', '[4]', '[0,4]')}}`, 4, /“t” twice/],
    [
      'a name twice, once escaped',
      `{${t('"U8"', '[4]', '[0,4]')},${t('"U8"', '[4]', '[0,4]', '\\u0074')}}`,
      4,
      /“t” twice/,
    ],
    ['offsets past the end', `{${t('"U8"', '[9]', '[0,9]')}}`, 4, /within 4 bytes/],
    ['offsets in reverse', `{${t('"U8"', '[4]', '[4,0]')}}`, 4, /in order/],
    ['a negative offset', `{${t('"U8"', '[4]', '[-4,0]')}}`, 4, /data_offsets/],
    ['a shape that is another size', `{${t('"F32"', '[2]', '[0,4]')}}`, 4, /8 bytes/],
    ['a shape past 2⁵³', `{${t('"U8"', '[9007199254740991,9007199254740991]', '[0,4]')}}`, 4, /bytes/],
    ['a fractional shape', `{${t('"U8"', '[0.5,8]', '[0,4]')}}`, 4, /whole numbers/],
    ['an unknown dtype', `{${t('"F128"', '[1]', '[0,4]')}}`, 4, /dtype/],
    ['a dtype off the prototype', `{${t('"toString"', '[1]', '[0,4]')}}`, 4, /dtype/],
    ['metadata that is no string', `{"__metadata__":{"a":1}}`, 0, /string/],
    ['metadata that is a list', `{"__metadata__":["a"]}`, 0, /strings/],
    ['a list for a header', '[1,2,3]', 0, /object/],
    ['half a header', '{"t":{"dtype":', 0, /JSON/],
    ['a tensor that is a number', '{"t":3}', 0, /dtype, shape/],
  ];
  it.each(wrong)('with %s', async (_why, header, dataBytes, says) => {
    expect((await troubleOf(forge(header, dataBytes))).message).toMatch(says);
  });

  it('a header length far past the file is refused without reading it', async () => {
    for (const claim of [5n, 1n << 31n, 1n << 40n, (1n << 64n) - 1n]) {
      let asked = 0;
      const blob = new Blob([forge('{}', 0, claim)]);
      const slice = blob.slice.bind(blob);
      blob.slice = (begin = 0, end = 0) => {
        asked = Math.max(asked, end - begin);
        return slice(begin, end);
      };
      await expect(readSafetensors(blob, 'x')).rejects.toBeInstanceOf(Trouble);
      expect(asked).toBeLessThanOrEqual(64);
    }
  });

  it('is named for what it is: an error page, a pickle, a Git LFS pointer', async () => {
    const text = (s: string) => new TextEncoder().encode(s.padEnd(200, '\n'));
    expect((await troubleOf(text('<!DOCTYPE html><html>'))).facts.got).toBe('an HTML page');
    expect((await troubleOf(text('PK\u0003\u0004'))).facts.got).toMatch(/zip archive/);
    expect((await troubleOf(text('version https://git-lfs.github.com/spec/v1'))).facts.got).toMatch(/git-lfs/);
  });

  it('a missing tensor is named', async () => {
    const file = await readSafetensors(good, 'x.safetensors');
    expect(() => file.shape('conv_in.weight')).toThrow(/conv_in\.weight/);
  });
});
