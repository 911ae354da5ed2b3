// vae-plan: a VAE's config, a size and a card's limits → the plan of its encoder or decoder and the bytes it takes. No GPU is touched.
import type { KernelChoice } from '../graph/op.ts';
import { BAND_BYTES, decoderGraph, encoderGraph } from '../model/vae.ts';
import type { VaeConfig } from '../model/vae-config.ts';
import { type Programs, programs } from '../plan/programs.ts';
import type { DType } from '../tensor/tensor.ts';
import type { TensorSource } from '../tensor/tensor-source.ts';

export type VaeHalf = 'encode' | 'decode';
export interface VaeShape {
  config: VaeConfig;
  height: number; // of the latents
  width: number;
  /** Attention's layers are named as in diffusers' first release. */
  oldNames?: boolean;
  bandBytes?: number;
  /** Sizes of slabs that a U-Net lends. */
  lent?: readonly number[];
}

/** One program, named as its half. */
export const vaePrograms = (
  half: VaeHalf,
  { bandBytes = BAND_BYTES, oldNames = false, lent = [], ...shape }: VaeShape,
  activations: DType,
  kernels: KernelChoice,
  maxBindingBytes: number,
): Programs => {
  const build = half === 'encode' ? encoderGraph : decoderGraph;
  const graph = build({ ...shape, activations, bandBytes, oldNames });
  const target = { maxBindingBytes, ...kernels };
  return programs({ [half]: graph }, { target, recompute: 'off', outputsOnly: true, lent });
};

/** Stable Diffusion 1.x files name attention's layers as diffusers' first release did. */
export const hasOldNames = (half: VaeHalf, tensors: TensorSource): boolean =>
  tensors.keys().includes(`${half}r.mid_block.attentions.0.query.weight`);

/** Beyond this arena, activations are stored as f16: half the memory for an error of a thousandth. */
const MOST_F32_BYTES = 128 * 2 ** 20;

/** The plan in f32 where that is small, else in f16. */
export function vaePlan(half: VaeHalf, shape: VaeShape, kernels: KernelChoice, maxBindingBytes: number) {
  const exact = vaePrograms(half, shape, 'f32', kernels, maxBindingBytes);
  return exact.slabBytes.reduce((a, b) => a + b, 0) <= MOST_F32_BYTES
    ? { activations: 'f32' as const, built: exact }
    : { activations: 'f16' as const, built: vaePrograms(half, shape, 'f16', kernels, maxBindingBytes) };
}
