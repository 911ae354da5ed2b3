// A file that was opened as a LoRA in; the same file, its header read, out; Trouble 'not-an-adapter' naming what it is when it is something else.
import { kindOfBytes, kindOfNames, partsIn } from '../files/checkpoint/refusals.ts';
import { readSafetensors, type SafetensorsFile } from '../files/safetensors.ts';
import { Trouble } from '../trouble.ts';
import { parseLoraKey } from './names.ts';
import { type AdapterKind, refusedKind } from './refusals.ts';

/** Needs no model: what a file is can be told before one is open. Whether it fits the model is readAdapter's to say. */
export async function openAdapter(file: Blob, name: string): Promise<SafetensorsFile> {
  const head = kindOfBytes(new Uint8Array(await file.slice(0, 64).arrayBuffer()), true);
  if (head) throw notAnAdapter(name, head.kind, head.detail);
  const opened = await readSafetensors(file, name);
  const found = kindOf(opened.keys()) ?? xlText(opened);
  if (found)
    throw notAnAdapter(name, found.kind, found.key ? `it has “${found.key.slice(0, 80)}”` : 'it has no tensors');
  return opened;
}

const WHOLE: readonly string[] = ['sdxl', 'newer-family'];

/** Null: a LoRA through and through, of which the U-Net has a part. */
function kindOf(keys: readonly string[]): { kind: AdapterKind; key: string | undefined } | null {
  const kinds = keys.map((key) => parseLoraKey(key).kind);
  const named = kindOfNames(keys);
  const lora = named?.kind === 'lora' || kinds.includes('down') || kinds.includes('up');
  const refused = refusedKind(keys);
  if (refused && (lora || refused.kind === 'textual-inversion')) return refused;
  if (lora) {
    const other = kinds.indexOf('other');
    if (other >= 0) return { kind: 'other-adapter', key: keys[other] };
    return kinds.some((kind) => kind === 'down' || kind === 'up') ? null : { kind: 'text-only', key: keys[0] };
  }
  if (named?.kind === 'controlnet') return { kind: named.kind, key: named.key };
  if (named && WHOLE.includes(named.kind)) return { kind: 'checkpoint', key: named.key };
  return { kind: refused?.kind ?? (partsIn(keys).length > 0 ? 'checkpoint' : 'unknown'), key: refused?.key ?? keys[0] };
}

/** Where a LoRA for XL has changed so little that no name gives it away, the width of its text does. */
function xlText(file: SafetensorsFile): { kind: AdapterKind; key: string } | null {
  const ofText = file
    .keys()
    .find((key) => /attn2[._]to_[kv][._].*(down|lora_A)/.test(key) && file.shape(key)[1] === 2048);
  return ofText === undefined ? null : { kind: 'sdxl', key: ofText };
}

const notAnAdapter = (file: string, kind: AdapterKind, detail: string): Trouble<'not-an-adapter'> =>
  new Trouble('not-an-adapter', { file, kind, detail }, `${file} is no LoRA but: ${kind} (${detail}).`);
