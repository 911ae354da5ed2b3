// The first bytes of a file in; in words, what kind of file they begin, when it is one that people mistake for another.

const starts: readonly (readonly [readonly number[], string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive (a PyTorch .ckpt or .pt checkpoint is one)'],
  [[0x80, 0x02], 'a Python pickle'],
  [[0x1f, 0x8b], 'a gzip archive'],
  [[0x89, 0x50, 0x4e, 0x47], 'a PNG image'],
  [[0xff, 0xd8, 0xff], 'a JPEG image'],
];

/** `an HTML page`, `text that begins “version https://git-lfs…”`, `a zip archive…`; null when the bytes look like none of these. */
export function recognise(head: Uint8Array): string | null {
  for (const [magic, name] of starts) if (magic.every((byte, i) => head[i] === byte)) return name;
  const text = String.fromCharCode(...head.subarray(0, 40));
  if (/^\s*<(!doctype|html|head|body)/i.test(text)) return 'an HTML page';
  const words = /^[\t\n\r\x20-\x7e]{12,}/.exec(text)?.[0].trim();
  return words ? `text that begins “${words.replace(/\s+/g, ' ')}”` : null;
}
