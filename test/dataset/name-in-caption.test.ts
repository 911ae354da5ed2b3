// A caption says the name as words of its own, or gets it put in front once; what is cut off does not count.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asFarAsRead, holdsName, withName } from '../../src/dataset/name-in-caption.ts';

test.each([
  ['a photo of aawxbc toy on a rock', true],
  ['aawxbc toy', true],
  ['AAWXBC  Toy, outside', true],
  ['"aawxbc toy"', true],
  ['my aawxbc\ntoy!', true],
  ['aawxbc on a rock', false],
  ['a toy on a rock', false],
  ['aawxbc toys', false],
  ['xaawxbc toy', false],
  ['toy aawxbc', false],
  ['', false],
])('“%s” says “aawxbc toy”: %s', (caption, says) => expect(holdsName(caption, 'aawxbc', 'toy')).toBe(says));

test('accents written either way are the same name', () => {
  expect(holdsName('a cafe\u0301 cat', 'caf\u00e9', 'cat')).toBe(true);
});

const text = fc.string({ unit: 'grapheme', maxLength: 30 });
test('of any texts whatever: with the name in front a caption says it, keeps its words, and is left alone the second time', () => {
  fc.assert(
    fc.property(text, text, text, (caption, identifier, noun) => {
      const named = withName(caption, identifier, noun);
      expect(holdsName(named, identifier, noun)).toBe(true);
      expect(named).toContain(caption.trim());
      expect(withName(named, identifier, noun)).toBe(named);
    }),
  );
});

test('a name among the words that are cut is not read', () => {
  const caption = `${'a rock '.repeat(40)}aawxbc toy`;
  expect(holdsName(asFarAsRead(caption, 0), 'aawxbc', 'toy')).toBe(true);
  expect(holdsName(asFarAsRead(caption, 7), 'aawxbc', 'toy')).toBe(false);
  expect(asFarAsRead('one two', 5)).toBe('');
});
