// The VAE: pixels in, the posterior's mean and log-variance out; latents in, pixels out. Through onnxruntime, one picture at a time.

import type { TensorSource } from '../tensor/tensor-source.ts';
import { createSession, outputOf } from './ort.ts';
import { readVaeConfig, type VaeConfig } from './vae-config.ts';
import { buildVaeDecoderGraph, buildVaeEncoderGraph } from './vae-graph.ts';

/** Both latentChannels×h×w (4×h×w), for the unscaled latents: sample, then multiply by the scaling factor. */
export interface Posterior {
  mean: Float32Array;
  logVariance: Float32Array; // clamped to −30…20
}
export interface VaeEncoder {
  readonly scalingFactor: number;
  /** Pixels per latent, 8 in Stable Diffusion: height and width must be multiples of it. */
  readonly downscale: number;
  /** pixels: 3×height×width, −1…1, channel planes in the order red, green, blue. */
  encode(pixels: Float32Array, height: number, width: number): Promise<Posterior>;
  release(): Promise<void>;
}
export interface VaeDecoder {
  readonly scalingFactor: number;
  readonly downscale: number;
  /**
   * latents: latentChannels×height×width (latent pixels), already divided by `scalingFactor`, as for diffusers' `vae.decode`.
   * Out: 3×(height·downscale)×(width·downscale), about −1…1 and not clamped.
   */
  decode(latents: Float32Array, height: number, width: number): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * Builds the encoder of a diffusers `vae/`. Throws Trouble 'not-this-family' for a config that computes something else, 'file-damaged'
 * for a missing or mis-shaped tensor.
 */
export async function createVaeEncoder(config: unknown, tensors: TensorSource): Promise<VaeEncoder> {
  const sizes = readVaeConfig(config);
  const session = await createSession(await buildVaeEncoderGraph(sizes, tensors).build());
  const downscale = downscaleOf(sizes);
  return {
    scalingFactor: sizes.scalingFactor,
    downscale,
    async encode(pixels, height, width) {
      if (height % downscale !== 0 || width % downscale !== 0 || height < 1 || width < 1) {
        throw new RangeError(
          `expected a height and width in multiples of ${downscale} px, got ${height}×${width}: crop the picture first`,
        );
      }
      expectLength(pixels, 3, height, width);
      const outputs = await session.run({ pixels: { data: pixels, dims: [1, 3, height, width] } });
      const { data } = outputOf(outputs, 'moments');
      const half = data.length / 2;
      // diffusers' DiagonalGaussianDistribution clamps here.
      return { mean: data.slice(0, half), logVariance: data.slice(half).map((v) => Math.min(20, Math.max(-30, v))) };
    },
    release: () => session.release(),
  };
}

/** Builds the decoder of a diffusers `vae/`. Throws like `createVaeEncoder`. */
export async function createVaeDecoder(config: unknown, tensors: TensorSource): Promise<VaeDecoder> {
  const sizes = readVaeConfig(config);
  const session = await createSession(await buildVaeDecoderGraph(sizes, tensors).build());
  return {
    scalingFactor: sizes.scalingFactor,
    downscale: downscaleOf(sizes),
    async decode(latents, height, width) {
      expectLength(latents, sizes.latentChannels, height, width);
      const dims = [1, sizes.latentChannels, height, width];
      return outputOf(await session.run({ latents: { data: latents, dims } }), 'pixels').data;
    },
    release: () => session.release(),
  };
}

/** Pixels per latent, each way: every level but the last halves. */
export const downscaleOf = ({ widths }: VaeConfig): number => 2 ** (widths.length - 1);

function expectLength(values: Float32Array, channels: number, height: number, width: number): void {
  const count = channels * height * width;
  if (values.length !== count) {
    throw new RangeError(
      `expected ${channels}×${height}×${width} = ${count} values, got ${values.length}: check the layout (channel planes)`,
    );
  }
}
