// Numbers as people write them: every usual notation of every number gives that number; what can mean two numbers, or none, is refused.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberText, parseNumber, readNumber } from '../../src/ui/read-number.ts';

const any = { min: -Infinity, max: Infinity, whole: false };
const refused = (kind: string) => ({ refusal: expect.objectContaining({ kind }) });

describe('one number', () => {
  test.each([
    ['1,0e-4', 0.0001], // was 0.001: the comma was dropped
    ['0,01', 0.01], // was 1
    ['0.01', 0.01],
    ['1e-4', 0.0001],
    ['1E-4', 0.0001],
    [' 1.5 ', 1.5],
    ['.5', 0.5],
    [',5', 0.5],
    ['5.', 5],
    ['-3', -3],
    ['−3', -3],
    ['+7', 7],
    ['-0', 0],
    ['0.001', 0.001],
    ['0,001', 0.001], // no group of thousands begins with a zero
    ['1.234', 1.234], // as the page itself would write it
    ['1,2345', 1.2345],
    ['1234,5', 1234.5],
    ['1 000', 1000],
    ['1\u202f000\u202f000,5', 1_000_000.5],
    ["1'000", 1000],
    ['1’234.5', 1234.5],
    ['1,000,000', 1_000_000],
    ['1.000.000', 1_000_000],
    ['1.000,5', 1000.5],
    ['1,000.5', 1000.5],
    ['1,234e-4', 1.234e-4],
    ['1 × 10⁻⁴', 1e-4],
    ['2.5*10^-5', 2.5e-5],
    ['3·10⁵', 3e5],
    ['１０', 10],
    ['00042', 42],
  ])('“%s” is %d', (text, value) => expect(parseNumber(text, false)).toEqual({ value }));

  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const moderate = fc.double({ min: -1e15, max: 1e15, noNaN: true }).map((value) => value + 0);
  test('a number as JavaScript and JSON write it', () => {
    fc.assert(
      fc.property(finite, (value) => {
        expect(parseNumber(String(value), false)).toEqual({ value: value + 0 });
      }),
    );
  });
  test('in exponents of either case, with point or comma, and as a power of ten', () => {
    fc.assert(
      fc.property(finite, (value) => {
        const [mantissa = '', power = ''] = value.toExponential().split('e');
        const raised = Array.from(power.replace('+', ''), (c) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)] ?? '⁻').join('');
        const spelled = [`e${power}`, `E${power}`, ` × 10${raised}`, `*10^${power}`];
        for (const ending of spelled)
          for (const written of [mantissa, mantissa.replace('.', ',')])
            expect(parseNumber(written + ending, false), written + ending).toEqual({ value: value + 0 });
      }),
    );
  });
  test('with thousands apart, by any mark but the decimal one', () => {
    const groups = (digits: string, mark: string) => digits.replace(/\B(?=(\d{3})+$)/g, mark);
    fc.assert(
      fc.property(
        moderate,
        fc.constantFrom(',', '.', ' ', "'", '\u00a0'),
        fc.constantFrom('.', ','),
        (value, mark, point) => {
          const [sign, digits = '', fraction = ''] = /^(-?)(\d+)\.(\d+)$/.exec(value.toFixed(2))!.slice(1);
          fc.pre(mark !== point);
          const text = `${sign}${groups(digits, mark)}${point}${fraction}`;
          expect(parseNumber(text, false), text).toEqual({ value: Number(value.toFixed(2)) + 0 });
        },
      ),
    );
  });
  test('whole numbers, plain and in groups by spaces and apostrophes', () => {
    fc.assert(
      fc.property(fc.integer(), fc.constantFrom('', ' ', "'", '\u202f'), (value, mark) => {
        const text = String(value).replace(/\B(?=(\d{3})+$)/g, mark);
        expect(parseNumber(text, true), text).toEqual({ value });
      }),
    );
  });
});

describe('no number, or more than one', () => {
  test.each([
    '',
    ' ',
    '.',
    ',',
    'e5',
    '1e',
    '1e1.5',
    'ten',
    '0x10',
    '0b1',
    'NaN',
    'Infinity',
    '1e999',
    '1e-999',
    '1/2',
    '5 %',
  ])('“%s” is no number', (text) => expect(parseNumber(text, false)).toEqual(refused('no-number')));
  test.each(['1,00,0', '1,0000,000', '10,00.5.1', '1 00', '1..5', '1,,5', '1 2', "1'0", '1,000 000', '--1', '1-2'])(
    '“%s” is no number: its marks stand where none belongs',
    (text) => expect(parseNumber(text, false)).toEqual(refused('no-number')),
  );
  test.each([
    ['1,000', false, [1000, 1]],
    ['1,000', true, [1000, 1]],
    ['1.000', true, [1000, 1]],
    ['1.000', false, [1000, 1]],
    ['1.234', true, [1234, 1.234]],
    ['-12,345', false, [-12345, -12.345]],
    ['12,345e2', false, [1234500, 1234.5]],
  ])('“%s” (whole %s) can mean two numbers, and both are told', (text, whole, readings) =>
    expect(parseNumber(text, whole)).toEqual({ refusal: { kind: 'ambiguous', readings } }),
  );
  test('every group of three behind a single comma, and behind a single point in a field of whole numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 0, max: 999 }), (before, after) => {
        const digits = String(after).padStart(3, '0');
        for (const whole of [true, false])
          expect(parseNumber(`${before},${digits}`, whole)).toEqual(refused('ambiguous'));
        expect(parseNumber(`${before}.${digits}`, true)).toEqual(refused('ambiguous'));
      }),
    );
  });
  test('of any text whatever: a finite number with its own digits, or a refusal', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(..."0123456789.,eE-+ '’×^⁻⁴１"), maxLength: 12 }),
    );
    fc.assert(
      fc.property(texts, fc.boolean(), (text, whole) => {
        const read = parseNumber(text, whole);
        return 'value' in read ? Number.isFinite(read.value) : read.refusal.kind !== 'limits';
      }),
      { numRuns: 1000 },
    );
  }, 30_000);
});

test('a field refuses what lies outside its limits, and never rounds or clamps', () => {
  const steps = { min: 1, max: 150, whole: true };
  expect(readNumber('20', steps)).toEqual({ value: 20 });
  expect(readNumber('2e1', steps)).toEqual({ value: 20 });
  expect(readNumber('20,0', steps)).toEqual({ value: 20 });
  for (const text of ['0', '151', '20.4', '1.000,5']) expect(readNumber(text, steps)).toEqual(refused('limits'));
  expect(readNumber('1e300', any)).toEqual({ value: 1e300 });
});

test('what a field shows of a number is read as that number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), (real, whole) => {
      expect(readNumber(numberText(real), any)).toEqual({ value: real + 0 });
      expect(readNumber(numberText(whole), { ...any, whole: true })).toEqual({ value: whole });
    }),
  );
});
