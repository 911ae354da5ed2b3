// In: what an adapter is called and what is on screen; out: the file's name and the prompt line to copy.

import type { AdapterInfo } from '../../worker/api.ts';

/** What an adapter is called in lists: the words it answers to, else its file's name. */
export const adapterTitle = ({ identifier, classNoun, name }: AdapterInfo): string =>
  `${identifier} ${classNoun}`.trim() || name;

/** Lower case, words joined by hyphens, safe on every file system. */
const slug = (words: string): string =>
  words
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');

/** 'aawxbc-figurine', or 'aawxbc-figurine-s400' for a step that is not the best. */
export function adapterName(identifier: string, classNoun: string, moment: number | null, bestStep: number): string {
  const name = slug(`${identifier} ${classNoun}`).slice(0, 80) || 'adapter';
  return moment === null || moment === bestStep ? name : `${name}-s${moment}`;
}

/** The download's name: one adapter's two layouts are two files. */
export const fileName = (name: string, layout: 'kohya' | 'diffusers'): string =>
  `${name}${layout === 'diffusers' ? '.diffusers' : ''}.safetensors`;

/** '1', '0.85': as A1111 and Forge write a strength. */
export const strengthText = (strength: number): string => String(Math.round(strength * 100) / 100);

/** '<lora:aawxbc-figurine:0.85> aawxbc figurine' for programs that load by prompt; the bare words for diffusers, which scales in code. */
export function promptLine(
  layout: 'kohya' | 'diffusers',
  name: string,
  strength: number,
  identifier: string,
  classNoun: string,
): string {
  const words = `${identifier} ${classNoun}`.trim();
  return layout === 'kohya' ? `<lora:${name}:${strengthText(strength)}> ${words}`.trim() : words;
}

/** '1.0', '0.85': as it is read, so that the trained strength looks like a number on a scale. */
export const strengthLabel = (strength: number): string =>
  Number.isInteger(strength) && strength > 0 ? strength.toFixed(1) : strengthText(strength);
