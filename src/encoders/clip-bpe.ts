// CLIP's vocab.json and merges.txt in; a function from text to token ids out. Composed as transformers' fast CLIPTokenizer composes it.
import { Tokenizer as FastTokenizer } from '@huggingface/tokenizers';
import { Trouble } from '../trouble.ts';

export interface ClipBpe {
  /** The text's ids, without start and end. Start and end tokens written out in the text become themselves. */
  encode(text: string): number[];
  /** The piece of an id as the vocabulary writes it: bytes as letters, `</w>` at the end of a word. */
  piece(id: number): string;
  /** The id of a vocabulary entry. Throws Trouble 'file-damaged' if there is none. */
  idOf(piece: string): number;
}

// transformers' own pattern: CLIP's words, a single digit at a time, runs of anything else.
const WORDS = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/** `special`: the start and end tokens' spelling. Throws Trouble 'file-damaged' for files that are not a vocabulary and its merges. */
export function composeClipBpe(vocabJson: string, mergesTxt: string, special: readonly string[]): ClipBpe {
  const vocab = readVocab(vocabJson);
  const merges = readMerges(mergesTxt);
  const fast = new FastTokenizer(
    {
      added_tokens: [], // handled below: the library also finds them after lower-casing, the reference does not
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'NFC' },
          { type: 'Replace', pattern: { Regex: String.raw`\s+` }, content: ' ' },
          { type: 'Lowercase' },
        ],
      },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
        ],
      },
      post_processor: null,
      decoder: null,
      model: {
        type: 'BPE',
        unk_token: '<|endoftext|>',
        continuing_subword_prefix: '',
        end_of_word_suffix: '</w>',
        fuse_unk: false,
        vocab,
        merges,
      },
    },
    {},
  );
  const spelled = new RegExp(`(${special.map((token) => token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`);
  const idOf = (piece: string): number => {
    const id = vocab[piece];
    if (id === undefined) throw damaged('tokenizer/vocab.json', `an entry “${piece}”`, 'none');
    return id;
  };
  return {
    idOf,
    piece: (id) => fast.id_to_token(id) ?? '',
    encode(text) {
      // A capital sigma becomes σ wherever it stands: JavaScript makes it ς at the end of a word, the reference goes letter by letter.
      const parts = text.replaceAll('Σ', 'σ').split(spelled);
      return parts.flatMap((part, i) => (i % 2 === 1 ? [idOf(part)] : part ? fast.encode(part).ids : []));
    },
  };
}

function readVocab(vocabJson: string): Record<string, number> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(vocabJson);
  } catch (error) {
    throw damaged('tokenizer/vocab.json', 'JSON', String(error));
  }
  const vocab: Record<string, number> = Object.create(null); // “constructor” is a word, too
  const entries = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : [];
  for (const [piece, id] of entries) {
    if (!Number.isInteger(id) || id < 0)
      throw damaged('tokenizer/vocab.json', `a whole number for “${piece}”`, String(id));
    vocab[piece] = id;
  }
  // Every text can be spelled only if each of the 256 bytes has an entry inside a word and one at its end.
  if (entries.length < 512) throw damaged('tokenizer/vocab.json', 'at least 512 entries', String(entries.length));
  return vocab;
}

/** One merge a line, two pieces apart by a space; the first line is a comment. */
function readMerges(mergesTxt: string): string[] {
  const lines = mergesTxt.split('\n').map((line) => line.trimEnd());
  const merges = lines.filter((line) => line !== '' && !line.startsWith('#version'));
  const wrong = merges.find((line) => !/^\S+ \S+$/u.test(line));
  if (wrong !== undefined) throw damaged('tokenizer/merges.txt', 'two pieces a line', `“${wrong.slice(0, 80)}”`);
  if (merges.length === 0) throw damaged('tokenizer/merges.txt', 'at least one merge', 'none');
  return merges;
}

function damaged(file: string, expected: string, got: string): Trouble<'file-damaged'> {
  return new Trouble(
    'file-damaged',
    { file, expected, got },
    `${file}: expected ${expected}, got ${got}; get the file again`,
  );
}
