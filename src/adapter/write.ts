// Trained LoRA weights in, a `.safetensors` adapter out: kohya's layout (A1111, Forge, ComfyUI) or diffusers' (train_dreambooth_lora.py).
import { type TensorToWrite, writeSafetensors } from '../files/safetensors.ts';
import type { LoraModule, LoraWeights } from '../gpu/engine-types.ts';
import { toF16, toHalf } from '../tensor/half.ts';
import { diffusersKey, kohyaName } from './names.ts';

/** `conv`: the module is a 1×1 convolution in the model (SD 1.x's proj_in and proj_out), whose LoRA is stored with four dims. */
export type WritableModule = LoraModule & { conv?: boolean };

export interface AdapterScale {
  rank: number;
  alpha: number; // the adapter adds alpha / rank · up · down
}

/** kohya: fp16, an `alpha` per module, every key a `lora_unet_…`. `metadata` from kohyaMetadata. */
export function writeKohya(
  weights: LoraWeights,
  modules: readonly WritableModule[],
  { rank, alpha }: AdapterScale,
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const tensors = modules.flatMap((module): TensorToWrite[] => {
    const { down, up } = weightsOf(module, weights, rank);
    const name = kohyaName(module.name);
    const kernel = module.conv ? [1, 1] : [];
    return [
      {
        name: `${name}.lora_down.weight`,
        dtype: 'F16',
        shape: [rank, module.inFeatures, ...kernel],
        data: toF16(down),
      },
      { name: `${name}.lora_up.weight`, dtype: 'F16', shape: [module.outFeatures, rank, ...kernel], data: toF16(up) },
      { name: `${name}.alpha`, dtype: 'F16', shape: [], data: Uint16Array.of(toHalf(alpha)) },
    ];
  });
  return writeSafetensors(tensors, metadata);
}

/** diffusers: fp32, `unet.….lora.{down,up}.weight`. The layout has no alpha (readers take alpha = rank), so alpha / rank goes into `up`. `metadata`: withoutNetwork. */
export function writeDiffusers(
  weights: LoraWeights,
  modules: readonly WritableModule[],
  { rank, alpha }: AdapterScale,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const tensors = modules.flatMap((module): TensorToWrite[] => {
    const { down, up } = weightsOf(module, weights, rank);
    const kernel = module.conv ? [1, 1] : [];
    const folded = up.map((value) => (value * alpha) / rank);
    return [
      {
        name: diffusersKey(module.name, 'down'),
        dtype: 'F32',
        shape: [rank, module.inFeatures, ...kernel],
        data: down,
      },
      {
        name: diffusersKey(module.name, 'up'),
        dtype: 'F32',
        shape: [module.outFeatures, rank, ...kernel],
        data: folded,
      },
    ];
  });
  return writeSafetensors(tensors, { format: 'pt', ...metadata });
}

/** Bytes of both downloads' tensors, before there are any (their headers add a few tens of kB). */
export function adapterTensorBytes(modules: readonly LoraModule[], rank: number): { kohya: number; diffusers: number } {
  const parameters = modules.reduce((sum, { inFeatures, outFeatures }) => sum + rank * (inFeatures + outFeatures), 0);
  return { kohya: 2 * (parameters + modules.length), diffusers: 4 * parameters };
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
