// JSON text that JSON.parse has accepted in; the first key that some object holds twice out. JSON.parse silently keeps the last of two.

/** The first key that occurs twice in one object, or null. `text` must be valid JSON. */
export function findDuplicateKey(text: string): string | null {
  const objects: (Set<string> | null)[] = []; // the objects (Set) and arrays (null) around the current place
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '{') objects.push(new Set());
    else if (char === '[') objects.push(null);
    else if (char === '}' || char === ']') objects.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      const keys = objects[objects.length - 1];
      if (keys && isKey(text, end)) {
        const key = JSON.parse(text.slice(at, end)) as string; // “a” and “\u0061” are the same key
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end - 1;
    }
  }
  return null;
}

function endOfString(text: string, begin: number): number {
  let at = begin + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
