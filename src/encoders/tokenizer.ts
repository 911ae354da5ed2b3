// CLIP's tokenizer: vocab.json and merges.txt in; a prompt's token ids (77, padded), its pieces, and what they say about a name out.

import { ConfigReader } from '../model/config-reader.ts';
import { composeClipBpe } from './clip-bpe.ts';
import { type PromptChunk, promptChunks } from './prompt-chunks.ts';
import { readablePieces } from './readable-pieces.ts';

export interface TokenReport {
  pieces: string[]; // the words' BPE pieces without start, end and padding, as a person can read them
  ids: number[];
  ordinaryWord: boolean; // the identifier is one common token: it already means something
  nonLatin: boolean; // becomes bytes that the model never learned
  wordsCut: number; // of a caption: words past 75 tokens
  chunks: number; // of a drawing prompt: parts of 75 tokens
}

export interface Tokenizer {
  /** Tokens of a padded prompt, start and end included: 77. */
  readonly length: number;
  /** All ids of a text, start and end included, however many. Equal to transformers' fast CLIPTokenizer. */
  encode(text: string): number[];
  /** `length` ids: as many as fit, end, padding. `cutWords`: words of the text (apart by spaces) of which anything was cut. */
  encodePadded(text: string): { ids: Int32Array; cutWords: number };
  /** A drawing prompt, its brackets read as weights: chunks of `length` ids, however many. Captions are `encodePadded`: a bracket there is a bracket. */
  chunks(prompt: string): PromptChunk[];
  /** The text's own tokens, without start and end: ids, and word parts as a person can read them. */
  pieces(text: string): { ids: number[]; pieces: string[] };
  /** What the model can make of a name. `ordinaryWord`: every word of it is one token. `nonLatin`: it has letters that are not Latin. */
  judge(identifier: string): { ordinaryWord: boolean; nonLatin: boolean };
}

const LENGTH = 77;

/**
 * `config`: a parsed tokenizer_config.json; of it, the special tokens and a `model_max_length` below 77 count (Stable Diffusion 1 pads with
 * the end token, 2 with `!`). Throws Trouble 'file-damaged' for files that are not a vocabulary and its merges, 'not-this-family' for
 * another tokenizer's config.
 */
export function loadTokenizer(vocabJson: string, mergesTxt: string, config: unknown = {}): Tokenizer {
  const read = new ConfigReader('tokenizer/tokenizer_config.json', config);
  read.oneOf('tokenizer_class', 'CLIPTokenizer', 'CLIPTokenizerFast');
  read.oneOf('add_prefix_space', false);
  const startToken = spelling(read, 'bos_token', '<|startoftext|>');
  const endToken = spelling(read, 'eos_token', '<|endoftext|>');
  const bpe = composeClipBpe(vocabJson, mergesTxt, [startToken, endToken]);
  const start = bpe.idOf(startToken);
  const end = bpe.idOf(endToken);
  const padding = bpe.idOf(spelling(read, 'pad_token', '<|endoftext|>'));
  // A very large number means “not set”; more than 77 no text encoder of the family has.
  const length = Math.min(read.count('model_max_length', LENGTH), LENGTH);
  const room = length - 2;
  const comma = bpe.idOf(',</w>');

  return {
    length,
    encode: (text) => [start, ...bpe.encode(text), end],
    encodePadded(text) {
      const all = bpe.encode(text);
      const ids = new Int32Array(length).fill(padding);
      ids.set([start, ...all.slice(0, room), end]);
      return { ids, cutWords: all.length > room ? wordsPast(text, room, bpe.encode) : 0 };
    },
    chunks: (prompt) => promptChunks(prompt, { encode: bpe.encode, length, start, end, padding, comma }),
    pieces(text) {
      const ids = bpe.encode(text);
      return { ids, pieces: readablePieces(ids.map((id) => bpe.piece(id))) };
    },
    judge(identifier) {
      const words = identifier.split(/\s+/u).filter(Boolean);
      // The vocabulary holds what was frequent in the captions that CLIP read, odd ones too (`sks` is a rifle): one token is a meaning.
      const ordinaryWord = words.length > 0 && words.every((word) => bpe.encode(word).length === 1);
      return { ordinaryWord, nonLatin: /(?!\p{Script=Latin})\p{L}/u.test(identifier) };
    },
  };
}

/** A special token is written as a string or as an object with its spelling. */
function spelling(read: ConfigReader, key: string, otherwise: string): string {
  const value = read.get(key) ?? otherwise;
  const text = typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
  if (typeof text !== 'string') throw read.refuse(key, 'a token', JSON.stringify(value));
  return text;
}

/** Words that end past the first `room` tokens. No token reaches over a space, so the words' own tokens are the text's. */
function wordsPast(text: string, room: number, encode: (text: string) => number[]): number {
  let tokens = 0;
  let cut = 0;
  for (const word of text.split(/\s+/u)) {
    const own = encode(word).length;
    tokens += own;
    if (own > 0 && tokens > room) cut++;
  }
  return cut;
}
