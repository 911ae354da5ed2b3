// A drawing prompt as A1111's users write it in; its pieces, each with the weight that its brackets give it, out.

/** Text of one weight, or `BREAK`: what follows begins a new chunk. */
export type PromptPiece = { text: string; weight: number } | 'break';

const ROUND = 1.1;
const SQUARE = 1 / 1.1;

/** An escaped bracket or backslash; a bracket; the end of a weight, `:1.2)`; a lone colon; a run of anything else. */
const MARKS = /\\[()[\]\\]|\\|[([]|:\s*([+-]?[.\d]+)\s*\)|[)\]]|:|[^\\()[\]:]+/g;
const BREAK = /\s*\bBREAK\b\s*/;

/**
 * `(word)` counts 1.1 times, `[word]` 1/1.1 times, `(word:1.3)` 1.3 times, each times what is around it; `\(` is a bracket of the text. A bracket
 * that is never closed reaches to the end; a closing one that was never opened is text (the wiki of AUTOMATIC1111/stable-diffusion-webui, "Attention/emphasis").
 */
export function promptPieces(prompt: string): PromptPiece[] {
  const found: PromptPiece[] = [];
  const open: { from: number; square: boolean }[] = [];
  const weigh = (from: number, by: number): void => {
    for (const piece of found.slice(from)) if (piece !== 'break') piece.weight *= by;
  };
  /** The latest bracket of a kind that is still open. */
  const closed = (square: boolean): number | null => {
    const at = open.findLastIndex((bracket) => bracket.square === square);
    return at === -1 ? null : (open.splice(at, 1)[0]?.from ?? null);
  };
  for (const [mark, weight] of prompt.matchAll(MARKS)) {
    const by = weight === undefined ? Number.NaN : Number(weight);
    const ends = mark === ')' || mark === ']' || Number.isFinite(by);
    const from = ends ? closed(mark === ']') : null;
    if (mark === '(' || mark === '[') open.push({ from: found.length, square: mark === '[' });
    else if (from !== null) weigh(from, mark === ']' ? SQUARE : mark === ')' ? ROUND : by);
    else if (mark.startsWith('\\')) found.push({ text: mark.slice(1), weight: 1 });
    else
      for (const [i, text] of mark.split(BREAK).entries()) {
        if (i > 0) found.push('break');
        found.push({ text, weight: 1 });
      }
  }
  for (const { from, square } of open) weigh(from, square ? SQUARE : ROUND);
  return joined(found);
}

/** Neighbours of one weight are one text: `\(` and what follows it are tokens together. */
function joined(pieces: readonly PromptPiece[]): PromptPiece[] {
  const out: PromptPiece[] = [];
  for (const piece of pieces) {
    const last = out.at(-1);
    if (last && last !== 'break' && piece !== 'break' && last.weight === piece.weight) last.text += piece.text;
    else out.push(piece);
  }
  return out;
}
