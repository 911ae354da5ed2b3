// The tokenizer against transformers' fast CLIPTokenizer (golden strings); cutting, pieces, the judgement of a name; damaged files.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import { DEMO, open, readJson, readText } from './open.ts';

const vocab = readText(`${DEMO}/tokenizer/vocab.json`);
const merges = readText(`${DEMO}/tokenizer/merges.txt`);
const tokenizer = loadTokenizer(vocab, merges, readJson(`${DEMO}/tokenizer/tokenizer_config.json`));
const { strings } = readJson('test/golden/tokenizer.json') as unknown as {
  strings: { text: string; ids: number[]; padded: number[] }[];
};

it('gives the ids of transformers on every golden string, as they come and padded', () => {
  expect(strings.length).toBeGreaterThanOrEqual(200);
  for (const { text, ids, padded } of strings) {
    expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    expect([...tokenizer.encodePadded(text).ids], JSON.stringify(text)).toEqual(padded);
  }
});

it('would notice a lost merge', () => {
  const fewer = loadTokenizer(vocab, merges.replace('\npho to</w>\n', '\n'), {});
  expect(fewer.encode('a photo')).not.toEqual(tokenizer.encode('a photo'));
});

it('pads the prompts that the encoder goldens were made of', async () => {
  const ids = new Int32Array((await (await open('test/golden/encoders.safetensors')).bytes('clip.ids')).buffer);
  expect(tokenizer.encodePadded('').ids).toEqual(ids.slice(0, 77));
  expect(tokenizer.encodePadded('a photo of aawxbc figurine').ids).toEqual(ids.slice(77, 154));
});

it('counts the words that do not fit whole', () => {
  expect(tokenizer.encodePadded('octopus '.repeat(75)).cutWords).toBe(0);
  expect(tokenizer.encodePadded('octopus '.repeat(78)).cutWords).toBe(3);
  // aawxbc is 4 tokens: 18 fit into 75, the 19th is cut in two.
  expect(tokenizer.encodePadded('aawxbc '.repeat(20)).cutWords).toBe(2);
});

it("pads with another token where the tokenizer's config says so", () => {
  const sd2 = loadTokenizer(vocab, merges, { pad_token: { content: '!', special: true } });
  expect([...sd2.encodePadded('a cat').ids.slice(0, 6)]).toEqual([49406, 320, 2368, 49407, 0, 0]);
});

it('shows pieces as a person can read them, bytes of a character as its parts (was ðŁ§ ¸)', () => {
  const { ids, pieces } = tokenizer.pieces('Café aawxbc 🙂');
  expect(pieces).toEqual(['café', 'a', 'aw', 'x', 'bc', '🙂']);
  expect([49406, ...ids, 49407]).toEqual(tokenizer.encode('Café aawxbc 🙂'));
  expect(tokenizer.pieces('🐙').pieces).toEqual(['🐙 1/2', '🐙 2/2']); // its four bytes, three and one
  expect(tokenizer.pieces('🧸').pieces.every((piece) => /^🧸 \d\/\d$/u.test(piece))).toBe(true);
  expect(tokenizer.pieces('\u200d').pieces.join()).toContain('U+200D');
  expect(tokenizer.pieces('').ids).toEqual([]);
});

it.each([
  ['crayon', true, false],
  ['Crayon', true, false],
  ['red crayon', true, false],
  ['café', true, false],
  ['aawxbc', false, false],
  ['aawxbc crayon', false, false],
  ['', false, false],
  ['문어', false, true],
  ['aaw문xbc', false, true],
  ['осьминог', false, true],
  ['Zażółć', false, false],
  ['x1', false, false],
])('judges “%s”: ordinary %s, not Latin %s', (name, ordinaryWord, nonLatin) => {
  expect(tokenizer.judge(name)).toEqual({ ordinaryWord, nonLatin });
});

it('refuses files that are not a vocabulary and its merges', () => {
  const damaged = (file: string) =>
    expect.objectContaining({ code: 'file-damaged', facts: expect.objectContaining({ file }) });
  expect(() => loadTokenizer('<!doctype html>', merges)).toThrow(damaged('tokenizer/vocab.json'));
  expect(() => loadTokenizer('{"a": 1}', merges)).toThrow(damaged('tokenizer/vocab.json'));
  expect(() => loadTokenizer(vocab.replace('"!": 0', '"!": "0"'), merges)).toThrow(damaged('tokenizer/vocab.json'));
  expect(() => loadTokenizer(vocab.replace('<|endoftext|>', '<|end|>'), merges)).toThrow(
    damaged('tokenizer/vocab.json'),
  );
  expect(() => loadTokenizer(vocab, '#version: 0.2\n')).toThrow(damaged('tokenizer/merges.txt'));
  expect(() => loadTokenizer(vocab, '#version: 0.2\ni n\nth\n')).toThrow(damaged('tokenizer/merges.txt'));
});

it("refuses another tokenizer's config by name", () => {
  const refused = expect.objectContaining({
    code: 'not-this-family',
    facts: expect.objectContaining({ key: 'tokenizer_class' }),
  });
  expect(() => loadTokenizer(vocab, merges, { tokenizer_class: 'T5Tokenizer' })).toThrow(refused);
});

/** As UTF-8 has it: half a pair becomes U+FFFD. */
const wellFormed = (text: string): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text));
it('cuts, counts and shows any text whatever: every piece readable, none the letter of another byte', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ maxLength: 40 }));
  fc.assert(
    fc.property(texts, (text) => {
      const { ids, pieces } = tokenizer.pieces(text);
      expect(pieces.length).toBe(ids.length);
      // What is read of a text: in its composed form, in small letters; nothing that is shown comes from anywhere else.
      const known = new Set(wellFormed(text).normalize('NFC').toLowerCase().replaceAll('ς', 'σ').replaceAll('Σ', 'σ'));
      for (const piece of pieces) {
        const shown = piece
          .replace(/ \d+\/\d+$/, '')
          .replace(/U\+([0-9A-F]{4,6})/g, (_, code) => String.fromCodePoint(parseInt(code, 16)));
        for (const character of shown)
          expect(known, JSON.stringify([text, pieces])).toContain(character.replace('ς', 'σ'));
        expect(piece.trim()).not.toBe('');
      }
      expect(tokenizer.encodePadded(text).ids.length).toBe(77);
    }),
    { numRuns: 500 },
  );
}, 60_000);
