// Names and the user's own words in, the sentence that a photo is trained with out.

/** The prompt that the adapter is trained on: `a photo of aawxbc figurine`. */
export const nameSentence = (identifier: string, classNoun: string): string =>
  ['a photo of', identifier.trim(), classNoun.trim()].filter(Boolean).join(' ');

/** What class pictures are trained with, and drawn with where the model makes them. */
export const classSentence = (classPrompt: string, classNoun: string): string =>
  classPrompt.trim() || nameSentence('', classNoun);

/** The user's caption, or the name sentence where there is none. */
export const captionOf = (caption: string, identifier: string, classNoun: string): string =>
  caption.trim() || nameSentence(identifier, classNoun);
