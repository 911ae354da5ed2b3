// What the model does not read of a text, and captions without the name, in English.
import { count } from '../amounts.ts';

export type CutText = 'caption' | 'name';
const subjects: Record<CutText, string> = {
  caption: 'The caption',
  name: 'The name',
};
const captions = (n: number): string => (n === 1 ? '1 caption' : `${count(n)} captions`);
const notRead = (n: number): string =>
  n === 1 ? 'the last word is not read, or not whole' : `the last ${count(n)} words are not read`;

export const words = {
  chunks: (n: number) => `Read in ${count(n)} parts of 75 tokens, one after the other.`,
  cut: (what: CutText, n: number) => `${subjects[what]} is too long: ${notRead(n)}.`,
  captionsCut: (n: number, wordsCut: number) =>
    `${captions(n)} ${n === 1 ? 'is' : 'are'} too long: ${n === 1 ? notRead(wordsCut) : `${count(wordsCut)} words are not read`}.`,
  toCaptions: 'Go to the captions',
  toName: 'Go to the name',
  nameless: (name: string) => `It does not say “${name}”, so the name is not learned from this photo.`,
  namelessAll: (n: number, of: number, name: string) =>
    n === of
      ? `No caption says “${name}”: the name would not be learned.`
      : `${captions(n)} of ${count(of)} ${n === 1 ? 'does' : 'do'} not say “${name}”: the name is not learned from ${n === 1 ? 'it' : 'them'}.`,
  putInFront: 'Put it in front',
  putInFrontAll: (n: number) => (n === 1 ? 'Put it in front' : `Put it in front of all ${count(n)}`),
};
