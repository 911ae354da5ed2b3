// In: the bytes of a LoRA file in diffusers' layout. Out: its modules, rank and weights, by nothing but the file's own keys and shapes.
import { readSafetensors } from '../../src/files/safetensors.ts';
import type { LoraModule, LoraWeights } from '../../src/gpu/engine-types.ts';

const DOWN = /^unet\.(.+)\.lora\.down\.weight$/;

export interface LoraFile {
  modules: LoraModule[];
  rank: number;
  weights: LoraWeights;
}

export async function loraOf(bytes: Uint8Array, name: string): Promise<LoraFile> {
  const file = await readSafetensors(bytes, name);
  const weights: LoraWeights = new Map();
  const modules: LoraModule[] = [];
  let rank = 0;
  for (const key of file.keys()) {
    const module = DOWN.exec(key)?.[1];
    if (!module) continue;
    const up = `unet.${module}.lora.up.weight`;
    const [ownRank = 0, inFeatures = 0] = file.shape(key);
    const [outFeatures = 0] = file.shape(up);
    rank = Math.max(rank, ownRank);
    modules.push({ name: module, inFeatures, outFeatures });
    weights.set(module, { down: await file.float32(key), up: await file.float32(up) });
  }
  return { modules, rank, weights };
}
