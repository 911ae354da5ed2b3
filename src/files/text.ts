// The bytes of a text in; the text out, whatever editor wrote it. Null when they are no text.

/** No text has these: what is left of the control characters once tabs, line ends and page feeds are taken away, and windows-1252's holes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NEVER_TEXT = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]/;

/** A byte order mark tells; without one UTF-16 gives itself away by its zeros, UTF-8 by being valid; what remains is what Windows' editors write. */
export function decodeText(bytes: Uint8Array): string | null {
  const encoding = encodingOf(bytes);
  const text = encoding === 'windows-1252' ? fromWindows(bytes) : new TextDecoder(encoding).decode(bytes); // drops the mark
  return NEVER_TEXT.test(text) ? null : text;
}

function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const zeros = [0, 0]; // in even and odd places
  for (let i = 0; i < bytes.length; i++) if (bytes[i] === 0) zeros[i & 1]!++;
  if (bytes.length % 2 === 0 && zeros[0]! > 0 !== zeros[1]! > 0) return zeros[1]! > 0 ? 'utf-16le' : 'utf-16be';
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

/** 0x80 to 0x9f, where it is not Latin-1: curly quotes, dashes, the euro. Written out since Node's own decoder takes it for Latin-1. */
const WINDOWS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function fromWindows(bytes: Uint8Array): string {
  const letter = (byte: number): string => (byte >> 5 === 4 ? WINDOWS[byte & 31]! : String.fromCharCode(byte));
  return Array.from(bytes, letter).join('');
}
