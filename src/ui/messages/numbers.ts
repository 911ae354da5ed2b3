// Why a number that was typed or pasted was not taken, in English.
import { type NumberLimits, type NumberRefusal, numberText } from '../read-number.ts';

export const numbers = {
  /** `text`: as it was typed. */
  refused(refusal: NumberRefusal, { min, max, whole }: NumberLimits, text: string): string {
    // As they could be typed: no thousands apart.
    const wanted = `${whole ? 'A whole number' : 'A number'} from ${numberText(min)} to ${numberText(max)}.`;
    const typed = `“${text.trim()}”`;
    if (refusal.kind === 'limits' || text.trim() === '') return wanted;
    if (refusal.kind === 'no-number') return `${typed} is not a number. ${wanted}`;
    const [grouped, decimal] = refusal.readings.map(numberText) as [string, string];
    const toWrite = whole && !Number.isInteger(refusal.readings[1]) ? grouped : 'the one you mean';
    return `${typed} can mean ${grouped} or ${decimal}. Write ${toWrite}.`;
  },
  /** After a refusal: what counts. */
  stays: (value: number): string => `Until then it stays at ${numberText(value)}.`,
};
