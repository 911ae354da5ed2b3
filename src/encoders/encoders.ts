// A checkpoint's text encoder in; prompts through it. In this thread: for Node, and inside encoders.worker.ts.
import type { TensorSource } from '../tensor/tensor-source.ts';
import { readTextConfig } from './text-config.ts';
import { createTextEncoder, type TextEncoder } from './text-encoder.ts';

/** Parsed config.json and tensors of a diffusers `text_encoder/`. */
export interface EncoderFiles {
  config: unknown;
  tensors: TensorSource;
}

/** The frozen text encoder of one model. It is built when it is first asked, and again for another clip skip; calls wait for each other. */
export interface Encoders {
  /** Width of a text state: the U-Net's `cross_attention_dim`. */
  readonly textWidth: number;
  /** Padded ids (77 each) → hidden states (77×textWidth each), in the same order, without the encoder's last `clipSkip` − 1 layers (default 1: the whole). */
  encodeText(prompts: readonly Int32Array[], clipSkip?: number): Promise<Float32Array[]>;
  /** Gives the memory back. Nothing can be asked afterwards. */
  close(): Promise<void>;
}

/** Throws Trouble 'not-this-family' at once for a config that is not supported; damaged tensors show ('file-damaged') when it is first used. */
export function openEncodersHere({ config, tensors }: EncoderFiles): Encoders {
  const { width } = readTextConfig(config);
  let made: { clipSkip: number; encoder: Promise<TextEncoder> } | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  /** One encoder is held at a time: Stable Diffusion 1's takes half a gigabyte. */
  async function encoderFor(clipSkip: number): Promise<TextEncoder> {
    if (made?.clipSkip !== clipSkip) {
      await release();
      made = { clipSkip, encoder: createTextEncoder(config, tensors, clipSkip) };
    }
    return made.encoder;
  }
  async function release(): Promise<void> {
    const before = made;
    made = undefined;
    await (await before?.encoder.catch(() => undefined))?.release();
  }
  return {
    textWidth: width,
    encodeText(prompts, clipSkip = 1) {
      const answer = turn.then(async () => {
        const text = await encoderFor(clipSkip);
        const states: Float32Array[] = [];
        for (const ids of prompts) states.push(await text.encode(ids));
        return states;
      });
      turn = answer.catch(() => {});
      return answer;
    },
    async close() {
      await turn;
      await release();
    },
  };
}
