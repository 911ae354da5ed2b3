// A file that was opened as a LoRA in; the same file, its header read, out; Trouble 'not-an-adapter' naming what it is when it is something else.
import { kindOfBytes, kindOfNames, partsIn } from '../files/checkpoint/refusals.ts';
import { readSafetensors, type SafetensorsFile } from '../files/safetensors.ts';
import { Trouble, type TroubleFacts } from '../trouble.ts';
import { parseLoraKey } from './names.ts';

type Kind = TroubleFacts['not-an-adapter']['kind'];

/** Needs no model: what a file is can be told before one is open. Whether it fits the model is readAdapter's to say. */
export async function openAdapter(file: Blob, name: string): Promise<SafetensorsFile> {
  const head = kindOfBytes(new Uint8Array(await file.slice(0, 64).arrayBuffer()), true);
  if (head) throw notAnAdapter(name, head.kind, head.detail);
  const opened = await readSafetensors(file, name);
  const keys = opened.keys();
  const kinds = new Set(keys.map((key) => parseLoraKey(key).kind));
  if (kinds.has('down') || kinds.has('up')) return opened;
  const found = kindOf(keys);
  throw notAnAdapter(name, found.kind, found.key ? `it has “${found.key.slice(0, 80)}”` : 'it has no tensors');
}

const WHOLE: readonly string[] = ['sdxl', 'newer-family'];

function kindOf(keys: readonly string[]): { kind: Kind; key: string | undefined } {
  const named = kindOfNames(keys);
  if (named?.kind === 'controlnet' || named?.kind === 'textual-inversion') return { kind: named.kind, key: named.key };
  if (named?.kind === 'lora') {
    const textOnly = keys.every((key) => parseLoraKey(key).kind !== 'other');
    return { kind: textOnly ? 'text-only' : 'other-adapter', key: named.key };
  }
  if (named && WHOLE.includes(named.kind)) return { kind: 'checkpoint', key: named.key };
  return { kind: partsIn(keys).length > 0 ? 'checkpoint' : 'unknown', key: keys[0] };
}

const notAnAdapter = (file: string, kind: Kind, detail: string): Trouble<'not-an-adapter'> =>
  new Trouble('not-an-adapter', { file, kind, detail }, `${file} is no LoRA but: ${kind} (${detail}).`);
