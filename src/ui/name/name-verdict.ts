// A name or noun as it was typed, and what the tokenizer reports of it, in; whether it is a good one, or what is wrong with it, out.
import type { TokenReport } from '../../worker/api.ts';

export type NounFlaw = 'foreign' | 'no-letters' | 'signs' | 'words' | 'long';
export type NameVerdict = 'good' | 'one-piece' | 'ordinary' | NounFlaw;

/** A name is written in every prompt, and each of its pieces takes one of 75. */
const mostLetters = 16;
const mostPieces = 8;
const longestNoun = 24;

/** Letters or digits of another script, or Latin ones that only look like it: the model reads bytes. */
const foreign = /(?!\p{Script=Latin})[\p{L}\p{N}]/u;
const fullWidth = /[\uff00-\uffef]/u;
/** As encoders/readable-pieces.ts writes it: `ẋ 1/2`. */
const partOfLetter = / \d+\/\d+$/;
const isForeign = (text: string): boolean => foreign.test(text.replace(/[0-9]/g, '')) || fullWidth.test(text);

/**
 * One short word of Latin letters and digits, several rare pieces for the model. What can be seen in the text itself is told without a
 * `report`; null while the rest is not known. An empty name has no verdict.
 */
export function nameVerdict(
  text: string,
  report: Pick<TokenReport, 'pieces' | 'ordinaryWord'> | null,
): NameVerdict | null {
  const name = text.trim().normalize('NFC');
  if (name === '') return null;
  if (isForeign(name)) return 'foreign';
  if (!/\p{L}/u.test(name)) return 'no-letters';
  if (/[^\p{L}0-9\s]/u.test(name)) return 'signs';
  if (/\s/u.test(name)) return 'words';
  if (name.length > mostLetters) return 'long';
  if (!report) return null;
  if (report.pieces.some((piece) => partOfLetter.test(piece))) return 'foreign';
  if (report.ordinaryWord) return 'ordinary';
  if (report.pieces.length < 2) return 'one-piece';
  return report.pieces.length > mostPieces ? 'long' : 'good';
}

/** One English noun, two words at most; `teddy-bear` and `jack-o'-lantern` are nouns. Null: nothing is wrong with it, or it is empty. */
export function nounFlaw(text: string): NounFlaw | null {
  const noun = text.trim().normalize('NFC');
  if (noun === '') return null;
  if (isForeign(noun)) return 'foreign';
  if (!/\p{L}/u.test(noun)) return 'no-letters';
  const words = noun.split(/\s+/u);
  if (words.length > 2) return 'words';
  if (!words.every((word) => /^[\p{L}0-9]+(?:(?:-|['’]-?)[\p{L}0-9]+)*$/u.test(word))) return 'signs';
  return words.some((word) => word.length > longestNoun) ? 'long' : null;
}
