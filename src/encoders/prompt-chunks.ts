// A drawing prompt's pieces in; chunks of 75 tokens with a weight for each, start, end and padding around them, out: as A1111 reads long prompts.
import { type PromptPiece, promptPieces } from './prompt-weights.ts';

export interface PromptChunk {
  ids: Int32Array; // as many as the text encoder has positions
  weights: Float32Array; // of the same length; 1 for start, end and padding
}
export interface ChunkTokens {
  encode(text: string): number[];
  length: number; // positions, start and end included
  start: number;
  end: number;
  padding: number;
  comma: number;
}
interface Weighted {
  id: number;
  weight: number;
}

/** A chunk that is full ends at a comma among its last so many tokens, and what follows the comma goes into the next. */
const BACK_TO_COMMA = 20;

/** At least one chunk, however empty the prompt. */
export function promptChunks(prompt: string, tokens: ChunkTokens): PromptChunk[] {
  const room = tokens.length - 2;
  const full: Weighted[][] = [];
  let now: Weighted[] = [];
  let afterComma = -1; // where the text after the chunk's last comma begins
  const next = (rest: Weighted[] = []): void => {
    full.push(now);
    now = rest;
    afterComma = -1;
  };
  const add = (token: Weighted): void => {
    const comma = token.id === tokens.comma;
    if (now.length === room) {
      const near = afterComma >= 0 && room - (afterComma - 1) <= BACK_TO_COMMA;
      if (near && !comma) next(now.splice(afterComma));
      else next();
    }
    now.push(token);
    if (comma) afterComma = now.length;
  };
  for (const piece of promptPieces(prompt)) {
    if (piece === 'break') next();
    else for (const token of weighted(piece, tokens)) add(token);
  }
  if (now.length > 0 || full.length === 0) next();
  return full.map((chunk) => padded(chunk, tokens));
}

const weighted = ({ text, weight }: Exclude<PromptPiece, 'break'>, { encode }: ChunkTokens): Weighted[] =>
  encode(text).map((id) => ({ id, weight }));

function padded(chunk: readonly Weighted[], { length, start, end, padding }: ChunkTokens): PromptChunk {
  const ids = new Int32Array(length).fill(padding);
  const weights = new Float32Array(length).fill(1);
  ids.set([start, ...chunk.map(({ id }) => id), end]);
  weights.set(
    chunk.map(({ weight }) => weight),
    1,
  );
  return { ids, weights };
}

/**
 * Hidden states (length, d) of a chunk by its weights: each token's state times its weight, then all by one number, so that their mean is what it was
 * (A1111's "Original" emphasis).
 */
export function emphasised(states: Float32Array, weights: Float32Array): Float32Array {
  if (weights.every((weight) => weight === 1)) return states;
  const width = states.length / weights.length;
  const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const scaled = states.map((value, i) => value * (weights[Math.floor(i / width)] as number));
  const back = mean(states) / mean(scaled);
  return scaled.map((value) => value * back);
}
