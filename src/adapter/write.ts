// Trained LoRA weights in, a `.safetensors` adapter out: kohya's layout (A1111, Forge, ComfyUI) or diffusers' (train_dreambooth_lora.py).
import { type TensorToWrite, writeSafetensors } from '../files/safetensors.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import { toBf16, toF16 } from '../tensor/half.ts';
import type { AdapterLayout, AdapterNumbers } from './adapter-info.ts';
import { diffusersKey, kohyaName } from './names.ts';

export interface AdapterScale {
  rank: number;
  alpha: number; // the adapter adds alpha / rank · up · down
}
type Metadata = Readonly<Record<string, string>>;

/** What each program's own trainer writes. */
export const USUAL_NUMBERS: Readonly<Record<AdapterLayout, AdapterNumbers>> = { kohya: 'F16', diffusers: 'F32' };

/**
 * kohya: an `alpha` per module, every key a `lora_unet_…`. `metadata` from kohyaMetadata; to it come sd-scripts' hashes of the file: sha256 over all
 * that lies behind a header of its `ss_*` alone, and of 64 kB at the first megabyte of such a file (its networks' precalculate_safetensors_hashes).
 */
export async function writeKohya(
  weights: LoraWeights,
  modules: readonly LoraModule[],
  { rank, alpha }: AdapterScale,
  metadata: Metadata,
  numbers: AdapterNumbers = USUAL_NUMBERS.kohya,
): Promise<Uint8Array<ArrayBuffer>> {
  const tensors = modules.flatMap((module): TensorToWrite[] => {
    const { down, up } = weightsOf(module, weights, rank);
    const name = kohyaName(module.name);
    return [
      { ...matrix(module, rank, 'down'), ...as(numbers, down), name: `${name}.lora_down.weight` },
      { ...matrix(module, rank, 'up'), ...as(numbers, up), name: `${name}.lora_up.weight` },
      { shape: [], ...as(numbers, Float32Array.of(alpha)), name: `${name}.alpha` },
    ];
  });
  const lasting = Object.fromEntries(Object.entries(metadata).filter(([key]) => key.startsWith('ss_')));
  const bare = writeSafetensors(tensors, lasting);
  const data = 8 + Number(new DataView(bare.buffer).getBigUint64(0, true));
  return writeSafetensors(tensors, {
    ...metadata,
    sshs_model_hash: await sha256(bare.subarray(data)),
    sshs_legacy_hash: (await sha256(bare.subarray(0x100000, 0x110000))).slice(0, 8),
  });
}

/** diffusers: `unet.….lora.{down,up}.weight`. The layout has no alpha (readers take alpha = rank), so alpha / rank goes into `up`. `metadata`: withoutNetwork. */
export function writeDiffusers(
  weights: LoraWeights,
  modules: readonly LoraModule[],
  { rank, alpha }: AdapterScale,
  metadata: Metadata = {},
  numbers: AdapterNumbers = USUAL_NUMBERS.diffusers,
): Uint8Array<ArrayBuffer> {
  const tensors = modules.flatMap((module): TensorToWrite[] => {
    const { down, up } = weightsOf(module, weights, rank);
    const folded = up.map((value) => (value * alpha) / rank);
    return [
      { ...matrix(module, rank, 'down'), ...as(numbers, down), name: diffusersKey(module.name, 'down') },
      { ...matrix(module, rank, 'up'), ...as(numbers, folded), name: diffusersKey(module.name, 'up') },
    ];
  });
  return writeSafetensors(tensors, { format: 'pt', ...metadata });
}

/** Bytes of both downloads' tensors, before there are any (their headers add a few tens of kB). */
export function adapterTensorBytes(modules: readonly LoraModule[], rank: number): { kohya: number; diffusers: number } {
  const parameters = modules.reduce((sum, { inFeatures, outFeatures }) => sum + rank * (inFeatures + outFeatures), 0);
  return { kohya: 2 * (parameters + modules.length), diffusers: 4 * parameters };
}

/** Four dimensions where the model's own weight is a convolution, as every trainer has it. */
function matrix({ inFeatures, outFeatures, kernel }: LoraModule, rank: number, part: 'down' | 'up') {
  const size = part === 'down' ? [rank, inFeatures / (kernel ?? 1) ** 2] : [outFeatures, rank];
  const width = part === 'down' ? kernel : 1;
  return { shape: kernel ? [...size, width as number, width as number] : size };
}

const as = (dtype: AdapterNumbers, values: Float32Array): Pick<TensorToWrite, 'dtype' | 'data'> => ({
  dtype,
  data: dtype === 'F16' ? toF16(values) : dtype === 'BF16' ? toBf16(values) : values,
});

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function weightsOf({ name, inFeatures, outFeatures }: LoraModule, weights: LoraWeights, rank: number) {
  const found = weights.get(name);
  if (!found) throw new Error(`write adapter: no weights for ${name}; got ${weights.size} other modules`);
  const { down, up } = found;
  if (down.length !== rank * inFeatures || up.length !== outFeatures * rank)
    throw new Error(
      `write adapter: ${name} at rank ${rank} takes ${rank * inFeatures} + ${outFeatures * rank} values, got ${down.length} + ${up.length}`,
    );
  // 65504 is the largest f16; an adapter anywhere near it draws noise, so it is a bug or a run that ran away, never a file to hand out.
  for (const values of [down, up])
    for (const value of values)
      if (!(Math.abs(value) <= 65504))
        throw new Error(`write adapter: ${name} holds ${value}; expected finite values an f16 can hold`);
  return found;
}
