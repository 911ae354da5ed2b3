// A caption and the name that is to be learned in; whether the caption says the name, and the caption that does, out.

/** As the model reads it: composed, in small letters, one space between words. */
export const asRead = (text: string): string => text.normalize('NFC').toLowerCase().trim().replace(/\s+/gu, ' ');
const isLetter = (character: string): boolean => /[\p{L}\p{N}\p{M}]/u.test(character);
const nameOf = (identifier: string, classNoun: string): string => `${identifier.trim()} ${classNoun.trim()}`.trim();

/** Whether a caption holds the name, `aawxbc figurine`, as words of its own. What no caption holds is not learned. */
export function holdsName(caption: string, identifier: string, classNoun: string): boolean {
  const text = Array.from(asRead(caption));
  const name = Array.from(asRead(nameOf(identifier, classNoun)));
  const apart = (inside: string, outside: string | undefined): boolean =>
    outside === undefined || !(isLetter(inside) && isLetter(outside));
  const isAt = (start: number): boolean =>
    name.every((character, i) => text[start + i] === character) &&
    apart(name[0]!, text[start - 1]) &&
    apart(name.at(-1)!, text[start + name.length]);
  return name.length === 0 || text.some((_, start) => isAt(start));
}

/** The caption with the name in front, unless it holds it already. */
export function withName(caption: string, identifier: string, classNoun: string): string {
  if (holdsName(caption, identifier, classNoun)) return caption;
  const name = nameOf(identifier, classNoun);
  return caption.trim() === '' ? name : `${name}, ${caption.trim()}`;
}

/** What is left of a caption whose last words the model does not read. */
export const asFarAsRead = (caption: string, wordsCut: number): string => {
  const words = caption.split(/\s+/u).filter(Boolean);
  return wordsCut > 0 ? words.slice(0, Math.max(0, words.length - wordsCut)).join(' ') : caption;
};
