// An adapter's name and a saved step in, the name of its download out.
import type { AdapterLayout } from './adapter-info.ts';

/** `aawxbc-figurine`: what the adapter is called in `<lora:…:1>` and in its metadata. Safe on every file system. */
export function adapterName(identifier: string, classNoun: string): string {
  const words = [identifier, classNoun].map((word) =>
    word
      .normalize('NFC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-+|-+$/g, ''),
  );
  return words.filter(Boolean).join('-').slice(0, 80) || 'adapter';
}

/**
 * `aawxbc-figurine.safetensors`; `-s400` before the dot when step 400 is not the best one. diffusers' file of the same adapter is another file:
 * `aawxbc-figurine.diffusers.safetensors`.
 */
export function adapterFileName(
  identifier: string,
  classNoun: string,
  step: number,
  bestStep: number,
  layout: AdapterLayout = 'kohya',
): string {
  const moment = step === bestStep ? '' : `-s${step}`;
  return `${adapterName(identifier, classNoun)}${moment}${layout === 'diffusers' ? '.diffusers' : ''}.safetensors`;
}
