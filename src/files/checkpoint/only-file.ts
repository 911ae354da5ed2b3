// Files that are no folder of a model in; the one that is a checkpoint, or Trouble 'not-a-checkpoint' with what they are instead, out.
import { recognise } from '../recognise.ts';
import { readSafetensors } from '../safetensors.ts';
import type { GivenFile } from './folder.ts';
import { kindOfBytes, notACheckpoint } from './refusals.ts';

export const WEIGHTS_ENDING = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf)$/i;
export const lastOf = (path: string): string => path.split(/[/\\]/).at(-1) as string;

/** The only file, the only one with weights, or among several of those the only checkpoint: what else lies there are LoRAs, VAEs and the like. */
export async function onlyFile(given: readonly GivenFile[]): Promise<GivenFile> {
  if (given.length === 0) throw notACheckpoint('', 'links', 'no file was given');
  const weights = given.filter(({ path }) => WEIGHTS_ENDING.test(path));
  const only = given.length === 1 ? given[0] : weights.length === 1 ? weights[0] : undefined;
  if (only) return only;
  const [checkpoint, another] = await checkpoints(weights);
  if (checkpoint && !another) return checkpoint;
  const names = given.slice(0, 3).map(({ path }) => path);
  const top = (names[0] as string).split(/[/\\]/)[0] as string;
  if (another) throw notACheckpoint(top, 'several', `${lastOf(checkpoint!.path)}, ${lastOf(another.path)}`);
  throw notACheckpoint(names[0] as string, 'incomplete', `${given.length} files, none of them in unet/: ${names}`);
}

/** Those with a U-Net as single files name it. */
async function checkpoints(weights: readonly GivenFile[]): Promise<GivenFile[]> {
  const found: GivenFile[] = [];
  for (const one of weights) {
    const file = await readSafetensors(one.file, lastOf(one.path)).catch(() => null); // whatever it is, it is not this one
    if (file?.keys().some((key) => /(^|\.)diffusion_model\.input_blocks\./.test(key))) found.push(one);
  }
  return found;
}

/** By their first bytes, not by their names: a pickle can be called anything. */
export async function refuseByBytes(name: string, file: Blob): Promise<void> {
  const head = new Uint8Array(await file.slice(0, 64).arrayBuffer());
  const text = String.fromCharCode(...head);
  // PyTorch's zip begins with its pickle; any other zip does not call itself weights.
  const zip = text.startsWith('PK') && !WEIGHTS_ENDING.test(name) && !text.slice(30).includes('/data.pkl');
  const found = zip ? null : kindOfBytes(head);
  if (found) throw notACheckpoint(name, found.kind, found.detail);
  // What calls itself weights and is not is damaged; a photo or a text is simply something else.
  if (!WEIGHTS_ENDING.test(name) && text[8] !== '{')
    throw notACheckpoint(name, 'unknown', recognise(head) ?? 'its first bytes are those of no model');
}
