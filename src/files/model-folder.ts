// The files of a diffusers folder in; the model as the app reads it — JSON, text, tensors by path — out. Where their bytes come from is
// storage/model-store.ts's business.

import { type ByteSource, type Bytes, readText } from './byte-source.ts';
import { recognise } from './recognise.ts';
import { readSafetensors, type SafetensorsFile } from './safetensors.ts';
import { damaged } from './safetensors-header.ts';

/** What a Stable Diffusion folder must have. Anything else in it is not read. */
export const neededFiles: readonly string[] = [
  'model_index.json',
  'scheduler/scheduler_config.json',
  'tokenizer/vocab.json',
  'tokenizer/merges.txt',
  'tokenizer/tokenizer_config.json',
  'text_encoder/config.json',
  'text_encoder/model.safetensors',
  'unet/config.json',
  'unet/diffusion_pytorch_model.safetensors',
  'vae/config.json',
  'vae/diffusion_pytorch_model.safetensors',
];

/** Every method names the file in its Trouble 'file-damaged' when that file is missing or not what it should be. */
export interface ModelFolder {
  readonly bytes: number; // all needed files together
  json(path: string): Promise<unknown>;
  text(path: string): Promise<string>;
  tensors(path: string): Promise<SafetensorsFile>;
}

/** Opens the folder: configs are parsed and every safetensors header is checked here, so that a damaged file is named before any work begins. */
export async function openModelFolder(files: ReadonlyMap<string, Blob | ByteSource>): Promise<ModelFolder> {
  let bytes = 0;
  const opened = new Map<string, SafetensorsFile>();
  const parsed = new Map<string, unknown>();
  const fileOf = (path: string): Blob | ByteSource => {
    const file = files.get(path);
    if (!file) throw damaged(path, 'a file of this name in the model', 'none');
    return file;
  };
  for (const path of neededFiles) {
    const file = fileOf(path);
    bytes += file.size;
    if (path.endsWith('.safetensors')) opened.set(path, await readSafetensors(file, path));
    if (path.endsWith('.json')) parsed.set(path, await parseJson(path, file));
  }
  return {
    bytes,
    json: async (path) => (parsed.has(path) ? parsed.get(path) : parseJson(path, fileOf(path))),
    text: (path) => readText(fileOf(path), path),
    tensors: async (path) => opened.get(path) ?? readSafetensors(fileOf(path), path),
  };
}

/** Parses a file that must be JSON; says what it is instead. */
export async function parseJson(path: string, file: Bytes): Promise<unknown> {
  const text = await readText(file, path);
  try {
    return JSON.parse(text);
  } catch (error) {
    const head = new TextEncoder().encode(text.slice(0, 64));
    throw damaged(path, 'JSON', recognise(head) ?? String(error));
  }
}
