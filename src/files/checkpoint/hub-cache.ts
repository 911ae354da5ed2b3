// Files as a browser sees Hugging Face's cache in; the same at the paths of a diffusers folder out. There `snapshots/` holds only links, which a
// browser leaves out, and `blobs/` what they point to, named by hashes: what each file is its content tells.
import { readSafetensors, type SafetensorsFile } from '../safetensors.ts';
import type { Json } from './configs.ts';
import { findFolder, type GivenFile, repositoryName } from './folder.ts';
import { notACheckpoint, refuseByConfigs } from './refusals.ts';

/** What is still being fetched ends in `.incomplete`. */
const BLOB = /^(|.*\/)blobs\/[^/.]+$/;
const MAX_TEXT_BYTES = 16 * 2 ** 20;

/** What was given, unless it is such a cache. Trouble 'not-a-checkpoint' where it holds pickles, several models, or several versions of one. */
export async function placeBlobs(given: readonly GivenFile[]): Promise<readonly GivenFile[]> {
  if (findFolder(given)) return given;
  const caches = new Map<string, GivenFile[]>();
  for (const one of given) {
    const [, top] = BLOB.exec(one.path.replaceAll('\\', '/')) ?? [];
    if (top !== undefined) caches.set(top, [...(caches.get(top) ?? []), one]);
  }
  const models: GivenFile[][] = [];
  for (const [top, blobs] of caches) models.push(await placed(top, blobs));
  const whole = models.filter((files) => files.length > 0);
  const [model] = whole;
  if (whole.length > 1) throw notACheckpoint(topOf(given), 'several', `${whole.length} models in one cache`);
  if (!model && caches.size > 0)
    throw notACheckpoint(topOf(given), 'incomplete', 'its blobs are no U-Net and no checkpoint');
  return model ?? given;
}

const topOf = (given: readonly GivenFile[]): string => given[0]?.path.split('/')[0] ?? '';

/** One repository's; empty where there is no model among them. */
async function placed(top: string, blobs: readonly GivenFile[]): Promise<GivenFile[]> {
  const name = repositoryName(top.split('/').at(-2) ?? '');
  const files = new Map<string, Blob[]>();
  for (const blob of blobs) {
    const path = await placeOf(blob);
    if (path) files.set(path, [...(files.get(path) ?? []), blob.file]);
  }
  const [index] = files.get('model_index.json') ?? [];
  if (index) refuseByConfigs(name || 'blobs', JSON.parse(await index.text()), null);
  if (!files.has(UNET)) {
    const single = files.get(SINGLE);
    if (single) return [{ path: `${name || 'Stable Diffusion'}.safetensors`, file: one(name, 'checkpoints', single) }];
    if (files.has(PICKLE))
      throw notACheckpoint(name || 'blobs', 'pickle', 'its blobs are zip archives, as PyTorch writes them');
    return files.has(TRANSFORMER) ? [{ path: `${name || 'model'}/${TRANSFORMER}`, file: new Blob() }] : [];
  }
  return [...files]
    .filter(([path]) => path.includes('/') || path === 'model_index.json')
    .map(([path, same]) => ({ path: `${name || 'Stable Diffusion'}/${path}`, file: one(name, path, same) }));
}

/** Of weights in f16 and f32 the smaller. Trouble 'several' where content cannot tell which one is meant. */
function one(name: string, what: string, same: readonly Blob[]): Blob {
  const [first, second] = same.toSorted((a, b) => a.size - b.size) as [Blob, Blob?];
  const variants = what.endsWith('.safetensors') && second && second.size > 1.5 * first.size;
  if (second && !variants) throw notACheckpoint(name || 'blobs', 'several', `${same.length} of ${what}`);
  return first;
}

const UNET = 'unet/diffusion_pytorch_model.safetensors';
const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';
const SINGLE = 'checkpoint';
const PICKLE = 'pickle';

/** Where it belongs in a diffusers folder; null for what no model is made of (a safety checker, a README). */
async function placeOf({ path, file: blob }: GivenFile): Promise<string | null> {
  const head = new Uint8Array(await blob.slice(0, 9).arrayBuffer());
  if (String.fromCharCode(...head.subarray(0, 4)) === 'PK\x03\x04') return PICKLE;
  const header = head.length === 9 ? new DataView(head.buffer).getBigUint64(0, true) : 0n;
  if (head[8] === 0x7b && header > 0n && header < BigInt(blob.size))
    return placeOfTensors(await readSafetensors(blob, path));
  if (blob.size > MAX_TEXT_BYTES) return null;
  const text = await blob.text();
  if (text.startsWith('#version')) return 'tokenizer/merges.txt';
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? placeOfJson(value as Json) : null;
  } catch {
    return null;
  }
}

function placeOfTensors(file: SafetensorsFile): string | null {
  const keys = file.keys();
  const has = (sign: RegExp) => keys.some((key) => sign.test(key));
  if (has(/^model\.diffusion_model\.|^model_ema\./)) return SINGLE;
  if (has(/^time_embedding\.linear_1\.weight$/) && has(/^up_blocks\./)) return UNET;
  if (has(/^encoder\.conv_in\.weight$/) && has(/^decoder\.conv_in\.weight$/))
    return 'vae/diffusion_pytorch_model.safetensors';
  if (has(/^(text_model\.)?embeddings\.token_embedding\.weight$/)) return 'text_encoder/model.safetensors';
  return has(/^(joint_|single_)?transformer_blocks\./) ? TRANSFORMER : null;
}

function placeOfJson(json: Json): string | null {
  const name = String(json._class_name ?? '');
  if (name.endsWith('Pipeline')) return 'model_index.json';
  if (name === 'UNet2DConditionModel') return 'unet/config.json';
  if (name === 'AutoencoderKL') return 'vae/config.json';
  if (name.endsWith('Scheduler')) return 'scheduler/scheduler_config.json';
  if (json.model_type === 'clip_text_model') return 'text_encoder/config.json';
  if (json.tokenizer_class !== undefined) return 'tokenizer/tokenizer_config.json';
  if (json.bos_token !== undefined && json.unk_token !== undefined) return 'tokenizer/special_tokens_map.json';
  return Number.isInteger(json['<|endoftext|>']) ? 'tokenizer/vocab.json' : null;
}
