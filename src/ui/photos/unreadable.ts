// A file that could not be read in; whether reading it again can help, and the trouble as it is told, out.
import type { UnreadableEntry } from '../state/photos.svelte.ts';
import type { AnyTrouble } from '../state/studio.ts';

/** The file is at hand, and what went wrong does not lie in its bytes. */
export const triesAgain = ({ trouble, again }: UnreadableEntry): boolean =>
  again !== null &&
  trouble.code !== 'photo-too-small' &&
  (trouble.code !== 'photo-unreadable' || trouble.facts.reason === 'gone');

/** Without the file at hand there is one way left, to drop it again: every reason that is not the file's own becomes that one. */
export function shownTrouble({ id, name, trouble }: UnreadableEntry): AnyTrouble {
  if (trouble.code === 'photo-too-small') return trouble;
  if (trouble.code === 'photo-unreadable' && trouble.facts.reason !== 'gone') return trouble;
  return { code: 'photo-unreadable', facts: { file: name, reason: 'lost', id } };
}
