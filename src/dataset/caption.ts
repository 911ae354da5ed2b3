// Names and sidecar files in, the sentence that a photo is trained with out.

/** The prompt that the adapter is trained on: `a photo of aawxbc figurine`. */
export const nameSentence = (identifier: string, classNoun: string): string =>
  ['a photo of', identifier.trim(), classNoun.trim()].filter(Boolean).join(' ');

/** The user's caption, or the name sentence where there is none. */
export const captionOf = (caption: string, identifier: string, classNoun: string): string =>
  caption.trim() || nameSentence(identifier, classNoun);

/** `IMG_0451` for `photos/IMG_0451.jpg`: what a photo and its `.txt` have in common. */
export const baseName = (path: string): string =>
  path
    .replace(/^.*[/\\]/, '')
    .replace(/\.[^.]*$/, '')
    .normalize('NFC') // macOS hands out decomposed names
    .toLowerCase();

/** CLIP reads 77 tokens; a text of more than 4 kB is no caption. */
const MAX_CAPTION_BYTES = 4096;

/** Captions of `.txt` files by the base name of the photo they belong to. Other files, empty and very long ones are passed over. */
export async function readSidecars(files: readonly File[]): Promise<Map<string, string>> {
  const captions = new Map<string, string>();
  for (const file of files) {
    if (!/\.txt$/i.test(file.name) || file.size > MAX_CAPTION_BYTES) continue;
    const caption = captionText(await file.text()); // text() drops a byte order mark
    if (caption) captions.set(baseName(file.name), caption);
  }
  return captions;
}

/** The first line that says something: kohya's tools put alternatives on further lines. */
export const captionText = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .find(Boolean) ?? '';
