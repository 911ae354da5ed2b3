// A LoRA file (kohya, diffusers or PEFT keys, any float format, any rank and alpha) and the model's modules in; weights ready for the engine out.

import type { SafetensorsFile } from '../files/safetensors.ts';
import { damaged } from '../files/safetensors-header.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import { Trouble } from '../trouble.ts';
import { moduleFinder, parseLoraKey } from './names.ts';
import { peftAlphas } from './peft-metadata.ts';

export interface ReadAdapter {
  /** Scale folded in: the adapter adds exactly up · down (alpha = rank). Only the modules that the file has. */
  weights: LoraWeights;
  /** The largest rank of any module; the others are padded to it with zeros, which changes nothing. */
  rank: number;
  layout: 'kohya' | 'diffusers';
  /** Keys of the text encoder, which this page does not train or apply. */
  ignored: string[];
  metadata: Readonly<Record<string, string>>;
}

/** One module's tensors as the file names them. */
interface Found {
  module: LoraModule;
  down?: string;
  up?: string;
  alpha?: string;
}

/**
 * Reads every U-Net module of the file. `modules` is every linear or 1×1-convolution module of the U-Net, not only those trained here: other
 * trainers adapt more of them. A file for another model, or of another kind of adapter, is Trouble 'adapter-mismatch'.
 */
export async function readAdapter(file: SafetensorsFile, modules: readonly LoraModule[]): Promise<ReadAdapter> {
  const ignored: string[] = [];
  const found = collect(file, modules, ignored);
  const alphas = peftAlphas(file.metadata);
  const ranks = [...found.values()].map((entry) => checkShapes(file, entry));
  const rank = Math.max(...ranks);
  const weights: LoraWeights = new Map();
  for (const { module, down, up, alpha } of found.values()) {
    const own = file.shape(down!)[0]!;
    const scale = (alpha ? (await file.float32(alpha))[0]! : (alphas(module.name) ?? own)) / own;
    if (!Number.isFinite(scale)) throw damaged(file.fileName, `a finite alpha for ${module.name}`, String(scale * own));
    weights.set(module.name, {
      down: padRows(finite(await file.float32(down!), file.fileName, down!), rank * module.inFeatures),
      up: padColumns(finite(await file.float32(up!), file.fileName, up!), own, rank, scale),
    });
  }
  const layout = file.keys().some((key) => key.startsWith('lora_unet_')) ? 'kohya' : 'diffusers';
  return { weights, rank, layout, ignored, metadata: file.metadata };
}

function collect(file: SafetensorsFile, modules: readonly LoraModule[], ignored: string[]): Map<string, Found> {
  const mismatch = mismatchOf(file);
  const find = moduleFinder(modules);
  const found = new Map<string, Found>();
  const example = modules[0]?.name ?? 'no module';
  for (const key of file.keys()) {
    const parsed = parseLoraKey(key);
    if (parsed.kind === 'text-encoder') {
      ignored.push(key);
      continue;
    }
    if (parsed.kind === 'other') throw mismatch('LoRA weights (down, up, alpha)', `“${key}”`);
    const module = find(parsed.module);
    if (!module) throw mismatch(`modules of this model, like ${example}`, parsed.module);
    const entry = found.get(module.name) ?? { module };
    if (entry[parsed.kind])
      throw mismatch(`one ${parsed.kind} for ${module.name}`, `“${entry[parsed.kind]}” and “${key}”`);
    entry[parsed.kind] = key;
    found.set(module.name, entry);
  }
  if (found.size === 0)
    throw mismatch('LoRA weights for the U-Net', `${ignored.length} tensors for the text encoder only`);
  return found;
}

/** The module's rank, once both shapes agree with the model's. */
function checkShapes(file: SafetensorsFile, { module, down, up, alpha }: Found): number {
  const { name, inFeatures, outFeatures } = module;
  const mismatch = mismatchOf(file);
  if (!down || !up) throw mismatch(`down and up for ${name}`, down ? 'only down' : up ? 'only up' : 'only alpha');
  const [downShape, upShape] = [file.shape(down), file.shape(up)];
  if (!isMatrix(downShape) || !isMatrix(upShape))
    throw mismatch(`${name} as a matrix or a 1×1 convolution`, `${show(downShape)} and ${show(upShape)}`);
  const [rank, inputs] = downShape as [number, number];
  const [outputs, columns] = upShape as [number, number];
  // The text width is what people know their models apart by: say it in those words.
  if (inputs !== inFeatures && /attn2\.to_[kv]$/.test(name))
    throw mismatch(`text width ${inFeatures}`, `text width ${inputs}`);
  if (inputs !== inFeatures || outputs !== outFeatures)
    throw mismatch(`${name} from ${inFeatures} to ${outFeatures}`, `from ${inputs} to ${outputs}`);
  if (rank !== columns || rank < 1) throw mismatch(`one rank in ${name}`, `${show(downShape)} and ${show(upShape)}`);
  if (alpha && file.shape(alpha).reduce((a, b) => a * b, 1) !== 1)
    throw mismatch(`one alpha for ${name}`, show(file.shape(alpha)));
  return rank;
}

const mismatchOf = (file: SafetensorsFile) => (expected: string, got: string) =>
  new Trouble(
    'adapter-mismatch',
    { file: file.fileName, expected, got },
    `${file.fileName} does not fit this model: expected ${expected}, got ${got}. Choose the model it was made for.`,
  );
const isMatrix = (shape: number[]): boolean =>
  (shape.length === 2 || shape.length === 4) && shape.slice(2).every((d) => d === 1);
const show = (shape: number[]): string => `[${shape.join(', ')}]`;

function finite(values: Float32Array, fileName: string, key: string): Float32Array {
  if (!values.every(Number.isFinite)) throw damaged(fileName, `finite numbers in ${key}`, 'NaN or infinity');
  return values;
}

function padRows(values: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  out.set(values);
  return out;
}

// up (out, from) → (out, to), times scale.
function padColumns(values: Float32Array, from: number, to: number, scale: number): Float32Array {
  const out = new Float32Array((values.length / from) * to);
  for (let i = 0; i < values.length; i++) out[Math.floor(i / from) * to + (i % from)] = values[i]! * scale;
  return out;
}
