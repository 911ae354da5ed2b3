// What a person typed or pasted into a number field in; the one number it can mean, or why it was not taken, out; and back. Nothing is guessed.

/** What a field takes. */
export interface NumberLimits {
  min: number;
  max: number;
  whole: boolean;
}
export type NumberRefusal =
  | { kind: 'no-number' }
  /** Both readings of a point or comma before three digits: `1,000`. */
  | { kind: 'ambiguous'; readings: [number, number] }
  | { kind: 'limits' };
export type NumberRead = { value: number } | { refusal: NumberRefusal };

const noNumber: NumberRead = { refusal: { kind: 'no-number' } };
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** The number of a text, for a field with these limits. */
export function readNumber(text: string, limits: NumberLimits): NumberRead {
  const read = parseNumber(text, limits.whole);
  return 'value' in read ? withinLimits(read.value, limits) : read;
}

/** '1e-4', '0.9', '700': small numbers as people write them in recipes. */
export const numberText = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.01 ? value.toExponential().replace('e-0', 'e-') : String(value);

/** A number that is one already, as JSON has it. */
export function withinLimits(value: number, { min, max, whole }: NumberLimits): NumberRead {
  if (!Number.isFinite(value)) return noNumber;
  return value < min || value > max || (whole && !Number.isInteger(value))
    ? { refusal: { kind: 'limits' } }
    : { value };
}

/**
 * Reads `0.01`, `0,01`, `.5`, `1e-4`, `1,0E-4`, `1.5 × 10⁻⁴`, `−3`, and thousands apart by spaces, apostrophes, commas or points. One comma
 * before exactly three digits may be either mark and is refused; so is one point where a whole number is wanted, or before `000`: otherwise
 * the point is the decimal mark, as on the whole page.
 */
export function parseNumber(text: string, whole: boolean): NumberRead {
  const parts = /^([+-]?)([\d.,' ]+?)(?:e([+-]?\d+))?$/.exec(plain(text));
  if (!parts) return noNumber;
  const [, sign = '', digits = '', exponent] = parts;
  const numberOf = (mantissa: string): number => {
    const value = Number(`${sign}${mantissa}e${exponent ?? 0}`);
    const lost = !Number.isFinite(value) || (value === 0 && /[1-9]/.test(mantissa)); // beyond what a number can hold
    return lost ? Number.NaN : value + 0; // −0 is 0
  };
  const single = /^([1-9]\d{0,2})([.,])(\d{3})$/.exec(digits);
  if (single) {
    const [, before = '', mark, after = ''] = single;
    const pointIsMark = mark === '.' && !whole && after !== '000';
    const scientific = exponent !== undefined && before.length === 1; // nobody writes thousands before an exponent
    const readings: [number, number] = [numberOf(before + after), numberOf(`${before}.${after}`)];
    if (!pointIsMark && !scientific)
      return readings.some(Number.isNaN) ? noNumber : { refusal: { kind: 'ambiguous', readings } };
  }
  const mantissa = ungrouped(digits);
  const value = mantissa === null ? Number.NaN : numberOf(mantissa);
  return Number.isNaN(value) ? noNumber : { value };
}

/** In plain ASCII: minus signs, full-width digits, kinds of spaces, `× 10⁻⁴`. */
const plain = (text: string): string =>
  text
    .trim()
    .replace(/[\uff01-\uff5e]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\u2212\u2013]/g, '-')
    .replace(/[\s\u2009\u202f]/g, ' ')
    .replace(/’/g, "'")
    .replace(/ ?[×·*x] ?10(?:\^|\*\*)([+-]?\d+)$/i, 'e$1')
    .replace(/ ?[×·*x] ?10([⁺⁻]?)([⁰¹²³⁴-⁹]+)$/i, (_, sign: string, power: string) => {
      const digits = Array.from(power, (digit) => superscripts.indexOf(digit)).join('');
      return `e${sign === '⁻' ? '-' : ''}${digits}`;
    })
    .replace(/E/, 'e');

/** Digits with at most one point. Of two kinds of marks the last is the decimal one; of one kind, several of them part thousands. */
function ungrouped(digits: string): string | null {
  const marks = [...digits.matchAll(/[.,]/g)].map(([mark]) => mark);
  const last = marks.at(-1);
  const decimal = last !== undefined && marks.indexOf(last) === marks.length - 1 ? last : null;
  const [before = '', after = ''] = decimal ? digits.split(decimal) : [digits];
  if (!/^\d*$/.test(after) || (before === '' && after === '')) return null;
  const grouped = /^\d{1,3}(?:([., '])\d{3})(?:\1\d{3})*$/.test(before);
  if (before !== '' && !grouped && !/^\d+$/.test(before)) return null;
  return `${before.replace(/\D/g, '')}.${after}`.replace(/^\./, '0.').replace(/\.$/, '');
}
