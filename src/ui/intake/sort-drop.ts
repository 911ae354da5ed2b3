// Dropped files and what each of them is in; where each belongs, or why it is left out, out.
import type { FileKind } from '../../worker/api.ts';
import type { DroppedFile } from './dropped-files.ts';
import { folderOf, nameOf } from './paths.ts';
import type { CaptionFile } from './sidecars.ts';

export type Reason =
  | Exclude<FileKind['kind'], 'photo' | 'caption' | 'json' | 'model' | 'lora'>
  | 'settings' // JSON that is of no model
  | 'empty-folder' // or one of links, which browsers do not follow
  | 'limit'
  | 'too-many'
  | 'one-lora'
  | 'getting-model'
  | 'no-photo' // a caption that found none
  | 'second-caption'
  | 'caption-kept'
  | 'more-lines';
export interface LeftOut {
  path: string;
  reason: Reason;
}
export interface SortedDrop {
  photos: DroppedFile[];
  captions: CaptionFile[];
  /** Of a checkpoint: one file, or a folder's. */
  model: DroppedFile[];
  lora: DroppedFile | null;
  leftOut: LeftOut[];
}

/** What is called an image gets its frame on the sheet, and there the reason why it cannot be shown. */
const calledImage = /\.(jpe?g|png|webp|avif|gif|bmp|heic|heif|tiff?)$/i;
/** What is called weights goes to the worker, which says what it is instead. */
const calledWeights = /\.(safetensors|ckpt|pt|pth|gguf)$/i;

/** `kinds`: of the files, in their order. */
export function sortDrop(files: readonly DroppedFile[], kinds: readonly FileKind[]): SortedDrop {
  const sorted: SortedDrop = { photos: [], captions: [], model: [], lora: null, leftOut: [] };
  const told = files.map((dropped, i) => ({ dropped, kind: kinds[i]!, is: roleOf(dropped.path, kinds[i]!) }));
  const roots = files.filter(({ path }) => nameOf(path) === 'model_index.json').map(({ path }) => folderOf(path));
  const ofModel = roots.length > 0 || told.some(({ is }) => is === 'model');
  const withPhotos = told.some(({ is, dropped }) => is === 'photo' && !within(roots, dropped.path));
  for (const { dropped, kind, is } of told) {
    const { path } = dropped;
    if (within(roots, path) || is === 'model') sorted.model.push(dropped);
    else if (is === 'photo') sorted.photos.push(dropped);
    else if (is === 'lora') {
      if (sorted.lora) sorted.leftOut.push({ path, reason: 'one-lora' });
      else sorted.lora = dropped;
    } else if (is === 'caption' && (withPhotos || !ofModel)) sorted.captions.push({ path, text: kind.text ?? '' });
    else if (ofModel && (is === 'caption' || is === 'settings' || is === 'text' || is === 'other'))
      sorted.model.push(dropped); // merges.txt, configs, spiece.model: whatever of it is a model's
    else sorted.leftOut.push({ path, reason: is === 'caption' ? 'text' : is });
  }
  return sorted;
}

function roleOf(path: string, { kind }: FileKind): Reason | 'photo' | 'caption' | 'model' | 'lora' {
  if (kind === 'lora' || kind === 'photo' || kind === 'model') return kind;
  if (kind !== 'empty' && kind !== 'raw' && calledImage.test(path)) return 'photo';
  if (kind !== 'empty' && kind !== 'gone' && calledWeights.test(path)) return 'model';
  return kind === 'json' ? 'settings' : kind;
}

/** In a folder that is a model. What lies loose beside a model_index.json is judged by itself. */
const within = (roots: readonly string[], path: string): boolean =>
  roots.some((root) => root !== '' && path.startsWith(`${root}/`));
