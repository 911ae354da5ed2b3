// What a picture was drawn by in; the text that A1111 and its kin keep in a PNG under `parameters` out, and back.
import type { Sampler } from './samplers.ts';

export interface PictureText {
  prompt: string; // without lora tags
  negativePrompt: string;
  steps: number;
  sampler: Sampler;
  guidance: number;
  seed: number;
  clipSkip?: number | undefined; // absent: 1
  size: number; // px, square
  model: string;
  loras: readonly LoraTag[];
}
/** `<lora:name:strength>`. */
export interface LoraTag {
  name: string;
  strength: number;
}
/** What such a text says, other programs' included: what it does not say, or nobody here can do, is absent. */
export interface ReadPictureText extends Partial<Omit<PictureText, 'size'>> {
  prompt: string;
  negativePrompt: string;
  loras: readonly LoraTag[];
  /** A sampler that is not one of ours, by its name. */
  otherSampler?: string;
}

/** As A1111 calls them. Since 1.9 it takes 'DPM++ 2M' alone for Karras' spacing, so the even one is named beside it. */
const NAMES: Record<Sampler, string> = {
  'dpm++2m': 'DPM++ 2M, Schedule type: Uniform',
  'dpm++2m-karras': 'DPM++ 2M Karras',
  euler: 'Euler',
  'euler-a': 'Euler a',
  ddim: 'DDIM',
  pndm: 'PLMS',
};
/** Without blanks, lower case. */
const SAMPLERS: Record<string, Sampler> = {
  'dpm++2m': 'dpm++2m',
  'dpm++2mkarras': 'dpm++2m-karras',
  euler: 'euler',
  eulera: 'euler-a',
  eulerancestral: 'euler-a',
  ddim: 'ddim',
  plms: 'pndm',
  pndm: 'pndm',
};

/** Three parts, as A1111 writes them: the prompt with its tags, the negative prompt where there is one, one line of settings. */
export function writePictureText(picture: PictureText): string {
  const { prompt, negativePrompt, steps, sampler, guidance, seed, clipSkip = 1, size, model, loras } = picture;
  const tags = loras.map(({ name, strength }) => `<lora:${name}:${strength}>`);
  const settings = [
    `Steps: ${steps}`,
    `Sampler: ${NAMES[sampler]}`,
    `CFG scale: ${guidance}`,
    `Seed: ${seed}`,
    `Size: ${size}x${size}`,
    `Model: ${quoted(model)}`,
    ...(clipSkip > 1 ? [`Clip skip: ${clipSkip}`] : []),
  ].join(', ');
  const words = [prompt, ...tags].filter(Boolean).join(' ');
  return [words, ...(negativePrompt ? [`${NEGATIVE} ${negativePrompt}`] : []), settings].join('\n');
}

const NEGATIVE = 'Negative prompt:';
/** One setting of the last line; a value with a comma or a colon is a JSON string. */
const SETTING = /\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g;
const TAG = / ?<lora:([^:<>]+)(?::([^:<>]*))?[^<>]*>/g;

/** Null where the text has no line of settings (at least three, as A1111 itself tells), and so is some other text. Never throws. */
export function readPictureText(text: string): ReadPictureText | null {
  const lines = text.trim().split(/\r?\n/);
  const found = [...(lines.pop() ?? '').matchAll(SETTING)];
  const settings = new Map(found.map(([, name, value]) => [name!.trim().toLowerCase(), unquoted(value!.trim())]));
  if (found.length < 3 || !settings.has('steps')) return null;

  const at = lines.findIndex((line) => line.trim().startsWith(NEGATIVE));
  const words = at < 0 ? lines : lines.slice(0, at);
  const loras = [...words.join('\n').matchAll(TAG)].map(([, name, strength]) => ({
    name: name!.trim(),
    strength: numberOf(strength) ?? 1,
  }));
  const sampler = samplerOf(settings.get('sampler'), settings.get('schedule type'));
  const model = settings.get('model');
  return {
    prompt: oneLine(words.map((line) => line.replace(TAG, ''))),
    negativePrompt: at < 0 ? '' : oneLine(lines.slice(at)).slice(NEGATIVE.length).trim(),
    loras,
    ...given('steps', numberOf(settings.get('steps'))),
    ...given('guidance', numberOf(settings.get('cfg scale'))),
    ...given('seed', numberOf(settings.get('seed'))),
    ...given('clipSkip', numberOf(settings.get('clip skip'))),
    ...(model !== undefined && { model }),
    ...sampler,
  };
}

const oneLine = (lines: readonly string[]): string =>
  lines
    .map((line) => line.trim())
    .join(' ')
    .trim();

function samplerOf(name: string | undefined, schedule = ''): Pick<ReadPictureText, 'sampler' | 'otherSampler'> {
  if (name === undefined) return {};
  const plain = name.toLowerCase().replace(/\s/g, '');
  const spacing = schedule.toLowerCase();
  // 'Automatic' is what that sampler likes best.
  const karras = spacing === 'karras' || (spacing === 'automatic' && plain === 'dpm++2m');
  const key = karras && plain === 'dpm++2m' ? 'dpm++2mkarras' : plain;
  return Object.hasOwn(SAMPLERS, key) ? { sampler: SAMPLERS[key]! } : { otherSampler: name };
}

const given = <K extends string>(key: K, value: number | null) =>
  (value === null ? {} : { [key]: value }) as { [key in K]?: number };
const numberOf = (text: string | undefined): number | null =>
  text !== undefined && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null;

const quoted = (text: string): string => (/[,:"\r\n]/.test(text) ? JSON.stringify(text) : text);
function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
