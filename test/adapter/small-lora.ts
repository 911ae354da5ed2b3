// Four modules of a small U-Net and LoRA weights for them, for the tests of this folder.
import { readSafetensors } from '../../src/files/safetensors.ts';
import type { LoraModule, LoraWeights } from '../../src/gpu/engine-types.ts';

const attention = 'down_blocks.0.attentions.0';
export const block = `${attention}.transformer_blocks.0`;
export const modules: LoraModule[] = [
  { name: `${block}.attn1.to_q`, inFeatures: 6, outFeatures: 6 },
  { name: `${block}.attn1.to_out.0`, inFeatures: 6, outFeatures: 6 },
  { name: `${block}.attn2.to_k`, inFeatures: 5, outFeatures: 6 },
  { name: `${attention}.proj_in`, inFeatures: 6, outFeatures: 6, kernel: 1 },
];
/** A different, exactly f16-representable number for every element (multiples of 1/64 below 16). */
export const ramp = (length: number, from: number) =>
  Float32Array.from({ length }, (_, i) => (((from + i) * 37) % 1000) / 64 - 7.5);
export const weightsOf = (rank: number): LoraWeights =>
  new Map(
    modules.map((m, i) => [
      m.name,
      { down: ramp(rank * m.inFeatures, 100 * i), up: ramp(m.outFeatures * rank, 100 * i + 50) },
    ]),
  );
export const open = (bytes: Uint8Array) => readSafetensors(bytes, 'x.safetensors');
export const times = (weights: LoraWeights, scale: number): LoraWeights =>
  new Map([...weights].map(([name, { down, up }]) => [name, { down, up: up.map((v) => v * scale) }]));
