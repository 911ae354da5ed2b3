// Texts in every encoding that editors write: each is read as it was meant, and what is no text is not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText } from '../../src/files/text.ts';

const utf16 = (text: string, bigEndian: boolean): Uint8Array => {
  const bytes = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) new DataView(bytes.buffer).setUint16(2 * i, text.charCodeAt(i), !bigEndian);
  return bytes;
};
const join = (...parts: ArrayLike<number>[]) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
const utf8 = (text: string) => new TextEncoder().encode(text);
/** What windows-1252 can say beyond ASCII: Latin-1's upper half, and these. */
const beyond = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const at = [0x80, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8e, 0x91, 0x92, 0x93, 0x94, 0x95]
  .concat([0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9e, 0x9f])
  .map((byte, i): [number, string] => [byte, beyond[i]!]);
const latin = Array.from({ length: 96 }, (_, i): [number, string] => [i + 160, String.fromCharCode(i + 160)]);
const ascii = Array.from({ length: 95 }, (_, i): [number, string] => [i + 32, String.fromCharCode(i + 32)]);

/** Any text without control characters. */
const words = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 40 })
  .map((text) => text.replace(/[\p{Cc}\ufeff\ufffe\uffff]/gu, ' '));
const english = fc.stringMatching(/^[ -~\n\t]{1,40}$/);

describe('captions in any encoding', () => {
  test('with a byte order mark: UTF-8 and both UTF-16', () => {
    fc.assert(
      fc.property(words, (text) => {
        expect(decodeText(join([0xef, 0xbb, 0xbf], utf8(text)))).toBe(text);
        expect(decodeText(join([0xff, 0xfe], utf16(text, false)))).toBe(text);
        expect(decodeText(join([0xfe, 0xff], utf16(text, true)))).toBe(text);
      }),
    );
  });
  test('UTF-8 without a mark', () => {
    fc.assert(fc.property(words, (text) => void expect(decodeText(utf8(text))).toBe(text)));
  });
  test('UTF-16 without a mark, wherever a zero gives it away', () => {
    fc.assert(
      fc.property(english, (text) => {
        expect(decodeText(utf16(text, false))).toBe(text);
        expect(decodeText(utf16(text, true))).toBe(text);
      }),
    );
    expect(decodeText(utf16('빨간 집, a photo', false))).toBe('빨간 집, a photo');
  });
  test('what is not UTF-8 is windows-1252: it’s a café (was it�s a caf�)', () => {
    expect(decodeText(join(utf8('it'), [0x92], utf8('s a caf'), [0xe9]))).toBe('it’s a café');
    const letter = fc.oneof(fc.constantFrom(...ascii), fc.constantFrom(...at, ...latin));
    const valid = (bytes: Uint8Array) => !new TextDecoder().decode(bytes).includes('\ufffd');
    fc.assert(
      fc.property(fc.array(letter, { minLength: 1, maxLength: 40 }), (letters) => {
        const file = Uint8Array.from(letters, ([byte]) => byte);
        fc.pre(!valid(file) && !(file[0] === 0xff && file[1] === 0xfe) && !(file[0] === 0xfe && file[1] === 0xff));
        expect(decodeText(file)).toBe(letters.map(([, text]) => text).join(''));
      }),
    );
  });
  test('pictures and archives are no text', () => {
    for (const bytes of [
      [0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46],
      [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13],
      [0x50, 0x4b, 3, 4, 20, 0, 0, 0],
    ])
      expect(decodeText(Uint8Array.from(bytes))).toBeNull();
    expect(decodeText(new Uint8Array())).toBe('');
  });
});
