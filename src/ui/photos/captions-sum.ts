// Photos that are used, the name, and how many words of each text are cut, in; what is to be said of their captions together out. Pure.
import { holdsName } from '../../worker/client.ts';

export interface CaptionsSum {
  /** With a caption of their own that does not say the name. 0 while there is no whole name. */
  nameless: number;
  /** Captions the model does not read to their end, and how many words that is in all. */
  cut: number;
  wordsCut: number;
  /** Photos without a caption: they are learned with the name sentence. */
  plain: number;
}

/** `cut`: words that are not read of a text; null where nobody knows yet. */
export function sumCaptions(
  captions: readonly string[],
  { name, noun }: { name: string; noun: string },
  cut: (text: string) => number | null,
): CaptionsSum {
  const own = captions.filter((caption) => caption.trim() !== '');
  const cuts = own.map((caption) => cut(caption) ?? 0).filter((words) => words > 0);
  return {
    nameless: name && noun ? own.filter((caption) => !holdsName(caption, name, noun)).length : 0,
    cut: cuts.length,
    wordsCut: cuts.reduce((sum, words) => sum + words, 0),
    plain: captions.length - own.length,
  };
}
