// A drawn picture in; a PNG that says by what it was drawn, as A1111 writes it, out. What such a PNG says in; Compare as it was then out.
import type { AdapterInfo, Picture } from '../../worker/api.ts';
import {
  MOST_CLIP_SKIP,
  PICTURE_KEYWORD,
  type readPictureText,
  withPngText,
  writePictureText,
} from '../../worker/client.ts';
import { type Compare, mostStrength } from '../state/compare.svelte.ts';
import { adapterName } from './take-home.ts';

const nameOf = (adapter: AdapterInfo, moment: number | null): string =>
  adapterName(adapter.identifier, adapter.classNoun, moment, adapter.bestStep);

/** `adapters`: those that are kept; each that the picture was drawn with is a tag behind its prompt, by its download's name. */
export async function pictureFile(
  { png, request }: Picture,
  adapters: readonly AdapterInfo[],
  model: string,
): Promise<{ name: string; blob: Blob }> {
  const { adapterId, moment, strength, beside = [], sampler = 'ddim', ...rest } = request;
  const used = adapterId === null ? [] : [{ adapterId, moment, strength }, ...beside];
  const loras = used.flatMap((one) => {
    const adapter = adapters.find((known) => known.adapterId === one.adapterId);
    return adapter ? [{ name: nameOf(adapter, one.moment), strength: one.strength }] : [];
  });
  const text = writePictureText({ ...rest, sampler, model, loras });
  const bytes = await withPngText(new Uint8Array(await png.arrayBuffer()), PICTURE_KEYWORD, text);
  return { name: `${loras[0]?.name ?? 'without'}-${request.seed}.png`, blob: new Blob([bytes], { type: 'image/png' }) };
}

type ReadText = NonNullable<ReturnType<typeof readPictureText>>;
/** What could not be restored: a sampler of another name, adapters that are not kept here. */
export interface NotRestored {
  sampler: string | null;
  loras: readonly string[];
}

/** Nothing is drawn for it: Make picture does that. The first tag that names an adapter of this browser puts it on screen. */
export function restorePicture(compare: Compare, read: ReadText): NotRestored {
  const known = read.loras.map(({ name, strength }) => ({ name, strength, ...find(compare.adapters, name) }));
  const first = known.find(({ adapter }) => adapter);
  if (first?.adapter) {
    compare.open(first.adapter);
    compare.moment = first.moment === first.adapter.bestStep ? null : first.moment;
    compare.strength = Math.round(Math.min(mostStrength, Math.max(0, first.strength)) * 100) / 100;
  }
  compare.prompt = read.prompt;
  compare.negativePrompt = read.negativePrompt;
  if (within(read.seed, 0, 2 ** 32 - 1, true)) compare.seed = read.seed!;
  if (within(read.steps, 1, 150, true)) compare.steps = read.steps!;
  if (within(read.guidance, 0, 30, false)) compare.guidance = read.guidance!;
  compare.clipSkip = within(read.clipSkip, 1, MOST_CLIP_SKIP, true) ? read.clipSkip! : 1;
  if (read.sampler) compare.sampler = read.sampler;
  return {
    sampler: read.otherSampler ?? null,
    loras: known.filter((one) => one !== first).map(({ name }) => name),
  };
}

function find(adapters: readonly AdapterInfo[], name: string): { adapter?: AdapterInfo; moment: number | null } {
  for (const adapter of adapters) {
    const moment = [null, ...adapter.moments].find((step) => nameOf(adapter, step) === name);
    if (moment !== undefined) return { adapter, moment };
  }
  return { moment: null };
}
const within = (value: number | undefined, min: number, max: number, whole: boolean): boolean =>
  value !== undefined && value >= min && value <= max && (!whole || Number.isInteger(value));
