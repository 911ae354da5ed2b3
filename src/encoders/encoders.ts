// A checkpoint's text encoder and VAE in; prompts, photos and latents through them. In this thread: for Node, and inside encoders.worker.ts.
import type { TensorSource } from '../tensor/tensor-source.ts';
import { readTextConfig } from './text-config.ts';
import { createTextEncoder } from './text-encoder.ts';
import { createVaeDecoder, createVaeEncoder, downscaleOf, type Posterior } from './vae.ts';
import { readVaeConfig } from './vae-config.ts';

/** Parsed config.json and tensors of a diffusers `text_encoder/` and `vae/`. */
export interface EncoderFiles {
  textEncoder: { config: unknown; tensors: TensorSource };
  vae: { config: unknown; tensors: TensorSource };
}

/** The frozen encoders of one model. Each is built when it is first asked for; calls wait for each other. */
export interface Encoders {
  /** Width of a text state: the U-Net's `cross_attention_dim`. */
  readonly textWidth: number;
  /** A sampled latent times this is what the U-Net sees. */
  readonly scalingFactor: number;
  /** Pixels per latent, each way. */
  readonly downscale: number;
  /** Padded ids (77 each) → hidden states (77×textWidth each), in the same order. */
  encodeText(prompts: readonly Int32Array[]): Promise<Float32Array[]>;
  /** 3×height×width pixels, −1…1 → mean and log-variance, 4×h×w each, unscaled. */
  encodePhoto(pixels: Float32Array, height: number, width: number): Promise<Posterior>;
  /** 4×h×w latents, already divided by `scalingFactor` → 3×H×W pixels, about −1…1, not clamped. */
  decode(latents: Float32Array, height: number, width: number): Promise<Float32Array>;
  /** Gives the memory back. Nothing can be asked afterwards. */
  close(): Promise<void>;
}

/**
 * Throws Trouble 'not-this-family' at once for a config that is not supported; damaged tensors show ('file-damaged') when the encoder they
 * belong to is first used.
 */
export function openEncodersHere({ textEncoder, vae }: EncoderFiles): Encoders {
  const { width } = readTextConfig(textEncoder.config);
  const vaeSizes = readVaeConfig(vae.config);
  const text = once(() => createTextEncoder(textEncoder.config, textEncoder.tensors));
  const encoder = once(() => createVaeEncoder(vae.config, vae.tensors));
  const decoder = once(() => createVaeDecoder(vae.config, vae.tensors));
  return {
    textWidth: width,
    scalingFactor: vaeSizes.scalingFactor,
    downscale: downscaleOf(vaeSizes),
    async encodeText(prompts) {
      const states: Float32Array[] = [];
      for (const ids of prompts) states.push(await (await text.get()).encode(ids));
      return states;
    },
    encodePhoto: async (pixels, height, w) => (await encoder.get()).encode(pixels, height, w),
    decode: async (latents, height, w) => (await decoder.get()).decode(latents, height, w),
    async close() {
      for (const made of [text.made(), encoder.made(), decoder.made()]) await (await made)?.release();
    },
  };
}

/** Makes a thing when it is first asked for. `made`: what was made, or undefined if nothing (or it failed). */
function once<T>(make: () => Promise<T>): { get(): Promise<T>; made(): Promise<T | undefined> } {
  let made: Promise<T> | undefined;
  return {
    get() {
      made ??= make();
      return made;
    },
    made: async () => made?.catch(() => undefined),
  };
}
