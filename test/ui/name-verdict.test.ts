// Names and nouns, judged with the demo model's own tokenizer: emoji, signs, many words and long words are no good name, and each has its sentence.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import { en } from '../../src/ui/messages.ts';
import { nameVerdict, nounFlaw } from '../../src/ui/name/name-verdict.ts';
import { DEMO, readJson, readText } from '../encoders/open.ts';

const tokenizer = loadTokenizer(
  readText(`${DEMO}/tokenizer/vocab.json`),
  readText(`${DEMO}/tokenizer/merges.txt`),
  readJson(`${DEMO}/tokenizer/tokenizer_config.json`),
);
const judge = (name: string) => nameVerdict(name, { ...tokenizer.pieces(name), ...tokenizer.judge(name) });

describe('a name', () => {
  test.each([
    ['aawxbc', 'good'],
    [' aawxbc ', 'good'],
    ['zx81k', 'good'],
    ['crayon', 'ordinary'],
    ['🧸', 'no-letters'], // was good
    ['🧸🐙', 'no-letters'],
    ['!!!', 'no-letters'], // was good
    ['...', 'no-letters'],
    ['12345', 'no-letters'],
    ['aaw🧸', 'signs'],
    ['aaw-xbc', 'signs'],
    ['(aawxbc:1.2)', 'signs'],
    ['aaw\u200bxbc', 'signs'],
    ['aawxbc toy', 'words'],
    [Array(90).fill('aawxbc').join(' '), 'words'], // was good
    ['a'.repeat(200), 'long'],
    ['문어', 'foreign'],
    ['осьминог', 'foreign'],
    ['ａａｗｘｂｃ', 'foreign'],
    ['', null],
    [' \t\n', null],
  ])('“%s” is %s', (name, kind) => expect(judge(name)).toBe(kind));

  test('what can be seen in the text is told before a model is open; the rest waits for one', () => {
    expect(nameVerdict('🧸', null)).toBe('no-letters');
    expect(nameVerdict('aawxbc toy', null)).toBe('words');
    expect(nameVerdict('aawxbc', null)).toBe(null);
  });

  const names = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.string({ unit: fc.constantFrom(...'aäzXq09 -!🧸\u0301ﬀ'), maxLength: 20 }),
    fc.array(fc.constantFrom('aawxbc', 'toy', '🧸', '!'), { maxLength: 100 }).map((words) => words.join(' ')),
  );
  test('of any text whatever: good is one short word of Latin letters and digits, and everything else has a sentence', () => {
    fc.assert(
      fc.property(names, (name) => {
        const kind = judge(name);
        if (kind === null) return name.trim() === '';
        if (kind === 'good')
          return /^[\p{Script=Latin}0-9]{2,16}$/u.test(name.trim().normalize('NFC')) && /\p{L}/u.test(name);
        return (kind === 'ordinary' ? en.name.ordinary(name) : en.name.flaws[kind]).length > 20;
      }),
      { numRuns: 1000 },
    );
  }, 60_000);
});

describe('a noun', () => {
  test.each([
    ['toy', null],
    ['teddy bear', null],
    ['teddy-bear', null],
    ["jack-o'-lantern", null],
    ['T-shirt', null],
    ['', null],
    ['🧸', 'no-letters'],
    ['toy!', 'signs'],
    ['a small brown toy', 'words'],
    ['장난감', 'foreign'],
    ['x'.repeat(40), 'long'],
  ])('“%s”: %s', (noun, flaw) => expect(nounFlaw(noun)).toBe(flaw));

  test('of any text whatever: nothing wrong means empty, or one or two words of letters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (noun) => {
        const flaw = nounFlaw(noun);
        return flaw
          ? en.name.nounFlaws[flaw] !== ''
          : /^$|^\S{1,24}( \S{1,24})?$/u.test(noun.trim().replace(/\s+/gu, ' ').normalize('NFC'));
      }),
    );
  });
});
