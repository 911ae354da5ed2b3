// A LoRA file (any layout of names.ts, any float format, any rank and alpha) and the model's modules in; weights ready for the engine out.

import type { SafetensorsFile } from '../files/safetensors.ts';
import { damaged } from '../files/safetensors-header.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import { Trouble } from '../trouble.ts';
import type { AdapterInfo } from './adapter-info.ts';
import { type LoraPart, moduleFinder, parseLoraKey } from './names.ts';
import { peftScales } from './peft-metadata.ts';

export interface ReadAdapter {
  /** Scale folded in: the adapter adds exactly up · down (alpha = rank). Only the modules that the file has. */
  weights: LoraWeights;
  /** Those modules, as the model has them. */
  modules: readonly LoraModule[];
  /** The largest rank of any module; the others are padded to it with zeros, which changes nothing. */
  rank: number;
  leftOut: LeftOut;
  metadata: Readonly<Record<string, string>>;
}

type LeftOut = NonNullable<AdapterInfo['leftOut']>;

/** One module's tensors as the file names them. */
type Found = { module: LoraModule } & { [part in LoraPart]?: string };

/**
 * Reads every U-Net module of the file. `modules` is every linear layer and convolution of the U-Net, not only those trained here: other trainers
 * adapt more of them. A file for another model is Trouble 'adapter-mismatch'; what is no LoRA was openAdapter's to refuse.
 */
export async function readAdapter(file: SafetensorsFile, modules: readonly LoraModule[]): Promise<ReadAdapter> {
  const leftOut: LeftOut = { textEncoder: 0, embeddings: 0 };
  const found = collect(file, modules, leftOut);
  const scales = peftScales(file.metadata);
  const ranks = [...found.values()].map((entry) => checkShapes(file, entry));
  const rank = Math.max(...ranks);
  const weights: LoraWeights = new Map();
  for (const { module, down, up, mid, alpha } of found.values()) {
    const own = file.shape(up!)[1]!;
    const scale = alpha ? (await file.float32(alpha))[0]! / own : scales(module.name, own);
    if (!Number.isFinite(scale)) throw damaged(file.fileName, `a finite alpha for ${module.name}`, String(scale * own));
    const read = async (key: string) => finite(await file.float32(key), file.fileName, key);
    const inner = mid ? merged(await read(mid), await read(down!), own) : await read(down!);
    weights.set(module.name, {
      down: padRows(inner, rank * module.inFeatures),
      up: padColumns(await read(up!), own, rank, scale),
    });
  }
  const own = modules.filter(({ name }) => found.has(name));
  return { weights, modules: own, rank, leftOut, metadata: file.metadata };
}

function collect(file: SafetensorsFile, modules: readonly LoraModule[], leftOut: LeftOut): Map<string, Found> {
  const mismatch = mismatchOf(file);
  const find = moduleFinder(modules);
  const found = new Map<string, Found>();
  const example = modules[0]?.name ?? 'no module';
  for (const key of file.keys()) {
    const parsed = parseLoraKey(key);
    if (parsed.kind === 'text-encoder') leftOut.textEncoder++;
    else if (parsed.kind === 'embedding') leftOut.embeddings++;
    else if (parsed.kind === 'other') throw mismatch('LoRA weights (down, up, alpha)', `“${key}”`);
    else {
      const module = find(parsed.module);
      if (!module) throw mismatch(`modules of this model, like ${example}`, parsed.module);
      const entry = found.get(module.name) ?? { module };
      if (entry[parsed.kind])
        throw mismatch(`one ${parsed.kind} for ${module.name}`, `“${entry[parsed.kind]}” and “${key}”`);
      entry[parsed.kind] = key;
      found.set(module.name, entry);
    }
  }
  if (found.size === 0)
    throw mismatch('LoRA weights for the U-Net', `${leftOut.textEncoder} tensors for the text encoder only`);
  return found;
}

/** The module's rank, once all shapes agree with the model's. */
function checkShapes(file: SafetensorsFile, { module, down, up, mid, alpha }: Found): number {
  const { name, inFeatures, outFeatures, kernel = 1 } = module;
  const mismatch = mismatchOf(file);
  if (!down || !up) throw mismatch(`down and up for ${name}`, down ? 'only down' : up ? 'only up' : 'only alpha');
  const shapes = [down, mid, up].filter((key) => key !== undefined).map((key) => file.shape(key));
  const shown = shapes.map((shape) => `[${shape.join(', ')}]`).join(' and ');
  const [rank = 0, inputs, ...window] = file.shape(down);
  const [outputs, columns, ...point] = file.shape(up);
  const wide = mid ? file.shape(mid).slice(2) : window;
  const squares = [...point, ...(mid ? window : [])];
  if (
    ![0, 2].includes(window.length) ||
    squares.some((d) => d !== 1) ||
    wide.some((d) => d !== kernel) ||
    wide.length < (kernel === 3 ? 2 : 0)
  )
    throw mismatch(`${name} as ${kernel === 3 ? 'a 3×3 convolution' : 'a matrix or a 1×1 convolution'}`, shown);
  const channels = inFeatures / kernel ** 2;
  // The text width is what people know their models apart by: say it in those words.
  if (inputs !== channels && /attn2\.to_[kv]$/.test(name))
    throw mismatch(`text width ${channels}`, `text width ${inputs}`);
  if (inputs !== channels || outputs !== outFeatures)
    throw mismatch(`${name} from ${channels} to ${outFeatures}`, `from ${inputs} to ${outputs}`);
  const middle = mid ? file.shape(mid).slice(0, 2) : [rank, rank];
  if (rank < 1 || columns !== rank || middle.some((d) => d !== rank)) throw mismatch(`one rank in ${name}`, shown);
  if (alpha && file.shape(alpha).reduce((a, b) => a * b, 1) !== 1)
    throw mismatch(`one alpha for ${name}`, `[${file.shape(alpha)}]`);
  return rank;
}

const mismatchOf = (file: SafetensorsFile) => (expected: string, got: string) =>
  new Trouble(
    'adapter-mismatch',
    { file: file.fileName, expected, got },
    `${file.fileName} does not fit this model: expected ${expected}, got ${got}. Choose the model it was made for.`,
  );

function finite(values: Float32Array, fileName: string, key: string): Float32Array {
  if (!values.every(Number.isFinite)) throw damaged(fileName, `finite numbers in ${key}`, 'NaN or infinity');
  return values;
}

/** Two of three factors as one: mid (r, r, 3, 3) after down (r, channels, 1, 1) is a down of (r, channels, 3, 3). */
function merged(mid: Float32Array, down: Float32Array, rank: number): Float32Array {
  const channels = down.length / rank;
  const taps = mid.length / rank ** 2;
  const out = new Float32Array(rank * channels * taps);
  for (let r = 0; r < rank; r++)
    for (let s = 0; s < rank; s++)
      for (let c = 0; c < channels; c++)
        for (let tap = 0; tap < taps; tap++)
          out[(r * channels + c) * taps + tap]! += mid[(r * rank + s) * taps + tap]! * down[s * channels + c]!;
  return out;
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
