// A tokenizer in, a made-up word out that means nothing to the model yet: several rare pieces, none of them a word of its own.
import type { Tokenizer } from '../encoders/tokenizer.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const LENGTH = 6;
const CANDIDATES = 64;

/**
 * Six letters that split into two to four pieces. CLIP's ids count merges in the order in which they were learned, so a higher id is a rarer
 * piece: of many candidates, the one whose commonest piece is rarest. `random` gives whole numbers in [0, below).
 */
export function suggestName(
  tokenizer: Pick<Tokenizer, 'pieces' | 'judge'>,
  random: (below: number) => number = (below) => crypto.getRandomValues(new Uint32Array(1))[0]! % below,
): string {
  let best = { name: '', rarity: -1 };
  for (let i = 0; i < CANDIDATES; i++) {
    const name = Array.from({ length: LENGTH }, () => LETTERS[random(LETTERS.length)]).join('');
    const { ids } = tokenizer.pieces(name);
    if (ids.length < 2 || ids.length > 4 || tokenizer.judge(name).ordinaryWord) continue;
    const rarity = Math.min(...ids);
    if (rarity > best.rarity) best = { name, rarity };
  }
  return best.name || 'aawxbc';
}
