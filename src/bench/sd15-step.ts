// Kernels and a limit in; the plans of one training step of Stable Diffusion 1.5 at 512 px, rank 4, out. Its weights are not needed.
import { enginePrograms } from '../gpu/engine-plan.ts';
import type { KernelChoice } from '../graph/op.ts';
import { parseUNetConfig } from '../model/config.ts';
import type { Plan } from '../plan/plan.ts';

/** As its `unet/config.json` says; what that leaves out is diffusers' default. */
const CONFIG = {
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  cross_attention_dim: 768,
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  layers_per_block: 2,
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};
const SIDE = 512 / 8; // of the latents

/** Forward, backward and update, batch 1, f16 weights and activations, what is computed twice to save memory included. */
export function sd15Step(kernels: KernelChoice, maxBindingBytes: number): readonly Plan[] {
  const optimizer = {
    learningRates: new Float32Array([1e-4]),
    ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2, clip: 1 },
  };
  const { plans } = enginePrograms(
    {
      ...{ config: parseUNetConfig(CONFIG), height: SIDE, width: SIDE, rank: 4, alpha: 4 },
      ...{ activations: 'f16', recompute: 'auto', optimizer, kernels },
    },
    maxBindingBytes,
  );
  return [plans.train as Plan, plans.update as Plan];
}
