// CLIP's vocabulary entries of one text, in order, in; the same as a person can read them out. No byte is ever shown as a letter it is not.

// The vocabulary writes a byte as a letter: printable Latin-1 as itself, the other 68 bytes as the letters from U+0100 on, in order.
const isItself = (byte: number): boolean => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isItself(byte));
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** One character of the text, and the pieces that hold its bytes. */
interface Character {
  shown: string;
  first: number;
  last: number;
}

/**
 * `aw`, `café`, `🙂`; a piece that holds only a part of a character shows the character and which part: `🐙 1/2`. What leaves no mark of its
 * own (a joiner, a variation selector) shows its number: `U+FE0F`.
 */
export function readablePieces(pieces: readonly string[]): string[] {
  const bytes: number[] = [];
  const holders: number[] = []; // whose piece each byte is
  pieces.forEach((piece, holder) => {
    for (const byte of bytesOf(piece)) {
      bytes.push(byte);
      holders.push(holder);
    }
  });
  const characters: Character[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { shown, length } = characterAt(bytes, at);
    characters.push({ shown, first: holders[at]!, last: holders[at + length - 1]! });
    at += length;
  }
  return pieces.map((_, at) => {
    const held = characters.filter(({ first, last }) => first <= at && at <= last);
    const parted = held.find(({ first, last }) => first < last);
    const text = held.map(({ shown }) => shown).join('');
    return parted ? `${text} ${at - parted.first + 1}/${parted.last - parted.first + 1}` : text;
  });
}

const bytesOf = (piece: string): number[] =>
  Array.from(piece.replace(/<\/w>$/u, ''), (letter) => {
    const code = letter.codePointAt(0)!;
    return code < 0x100 ? code : (others[code - 0x100] ?? 0xff); // 0xff is in no UTF-8 text
  });

function characterAt(bytes: readonly number[], at: number): { shown: string; length: number } {
  const lead = bytes[at]!;
  const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  try {
    return { shown: visible(utf8.decode(Uint8Array.from(bytes.slice(at, at + length)))), length };
  } catch {
    return { shown: `0x${lead.toString(16).toUpperCase().padStart(2, '0')}`, length: 1 };
  }
}

const visible = (character: string): string =>
  /^[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\ufffd]$/u.test(character)
    ? `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
    : character;
