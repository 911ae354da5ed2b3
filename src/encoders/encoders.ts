// A checkpoint's text encoder in; prompts through it. In this thread: for Node, and inside encoders.worker.ts.
import type { TensorSource } from '../tensor/tensor-source.ts';
import { readTextConfig } from './text-config.ts';
import { createTextEncoder, type TextEncoder } from './text-encoder.ts';

/** Parsed config.json and tensors of a diffusers `text_encoder/`. */
export interface EncoderFiles {
  config: unknown;
  tensors: TensorSource;
}

/** The frozen text encoder of one model. It is built when it is first asked; calls wait for each other. */
export interface Encoders {
  /** Width of a text state: the U-Net's `cross_attention_dim`. */
  readonly textWidth: number;
  /** Padded ids (77 each) → hidden states (77×textWidth each), in the same order. */
  encodeText(prompts: readonly Int32Array[]): Promise<Float32Array[]>;
  /** Gives the memory back. Nothing can be asked afterwards. */
  close(): Promise<void>;
}

/** Throws Trouble 'not-this-family' at once for a config that is not supported; damaged tensors show ('file-damaged') when it is first used. */
export function openEncodersHere({ config, tensors }: EncoderFiles): Encoders {
  const { width } = readTextConfig(config);
  let made: Promise<TextEncoder> | undefined;
  return {
    textWidth: width,
    async encodeText(prompts) {
      made ??= createTextEncoder(config, tensors);
      const text = await made;
      const states: Float32Array[] = [];
      for (const ids of prompts) states.push(await text.encode(ids));
      return states;
    },
    async close() {
      await (await made?.catch(() => undefined))?.release();
    },
  };
}
