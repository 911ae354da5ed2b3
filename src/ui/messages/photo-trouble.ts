// Photos that cannot be read, and a run whose photos are others by now, in words, in English.
import type { TroubleFacts } from '../../trouble.ts';
import { count } from '../amounts.ts';
import type { TroubleWords } from './trouble.ts';

const say = (title: string, text: string, button: string): TroubleWords => ({ title, text, button });

export function otherPhotos({ began, here, missing }: TroubleFacts['other-photos']): TroubleWords {
  const names = missing.slice(0, 3).map((name) => `“${name}”`);
  const more = missing.length > names.length ? ` and ${count(missing.length - names.length)} more` : '';
  const which =
    missing.length === 0
      ? `It began with ${count(began)} and finds ${count(here)}.`
      : `Missing: ${names.join(', ')}${more}. Add ${missing.length === 1 ? 'it' : 'them'} again to go on.`;
  return say(
    'This run learned from other photos.',
    `${which} Or start a new run with those you have; what was trained is kept.`,
    'New run',
  );
}

const kept = 'The other photos are kept.';
export function unreadablePhoto({ file, reason, format, words }: TroubleFacts['photo-unreadable']): TroubleWords {
  const leftOut = (title: string, text = kept) => say(title, text, 'Leave out');
  const said = words ? `${kept} The browser says: ${words}` : kept;
  switch (reason) {
    case 'gone':
      return say(
        `“${file}” was changed, moved or unplugged before it was read.`,
        `${kept} Plug its disk in and try again, or drop it again.`,
        'Try again',
      );
    case 'lost':
      return leftOut(`“${file}” cannot be read any more.`, `${kept} Drop it again, or leave it out.`);
    case 'unread':
      return leftOut(
        `“${file}” was dropped and is not read yet.`,
        `${kept} If no other tab is reading it, drop it again.`,
      );
    case 'truncated':
      return leftOut(`“${file}” ends early. Copy it again from where it came.`);
    case 'damaged':
      return leftOut(`“${file}” is damaged. Copy it again from where it came.`, said);
    case 'too-large':
      return leftOut(`“${file}” is too large for this browser. Save it smaller.`, said);
    case 'blank':
      return leftOut(`This browser drew nothing of “${file}”. Save it smaller, or close other tabs.`);
    default:
      return leftOut(
        reason === 'other-format' && format
          ? `“${file}” is ${/^(A|E|I|O|SVG)/.test(format) ? 'an' : 'a'} ${format} file, which this browser cannot show. Save it as JPEG.`
          : `“${file}” is not an image this browser can read. Save it as JPEG or PNG.`,
      );
  }
}
