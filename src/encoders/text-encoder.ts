// CLIP's text encoder: token ids (77) in, hidden states (77×width) out, through onnxruntime.

import type { TensorSource } from '../tensor/tensor-source.ts';
import { Trouble } from '../trouble.ts';
import { createSession, outputOf } from './ort.ts';
import { readTextConfig } from './text-config.ts';
import { buildTextGraph } from './text-graph.ts';

export interface TextEncoder {
  readonly width: number;
  readonly positions: number; // 77
  /** ids (positions) → `last_hidden_state` (positions×width), what the U-Net's cross-attention reads. */
  encode(ids: Int32Array): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * Builds the encoder of a diffusers `text_encoder/`, without its last `clipSkip` − 1 layers. Throws Trouble 'not-this-family' for a config that
 * computes something else, 'file-damaged' for a missing or mis-shaped tensor, 'bad-setting' where it has not so many layers.
 */
export async function createTextEncoder(config: unknown, tensors: TensorSource, clipSkip = 1): Promise<TextEncoder> {
  const sizes = readTextConfig(config);
  const { width, positions, vocabSize, layers } = sizes;
  if (!(Number.isInteger(clipSkip) && clipSkip >= 1 && clipSkip <= layers)) {
    const expected = `a whole number from 1 to ${layers}, the layers of this model’s text encoder`;
    throw new Trouble('bad-setting', { setting: 'clipSkip', expected, got: String(clipSkip) });
  }
  const { graph, tokenTable } = buildTextGraph(sizes, tensors, clipSkip);
  const session = await createSession(await graph.build());
  // 152 MB in Stable Diffusion 1: 77 rows are copied out of it here, so that the runtime's memory never holds it.
  const table = await graph.read(tokenTable); // vocabSize×width

  return {
    width,
    positions,
    async encode(ids) {
      if (ids.length !== positions)
        throw new RangeError(`expected ${positions} token ids, got ${ids.length}: pad the prompt first`);
      const embeddings = new Float32Array(positions * width);
      ids.forEach((id, i) => {
        if (id < 0 || id >= vocabSize)
          throw new RangeError(
            `expected token ids from 0 to ${vocabSize - 1}, got ${id}: use this model's own tokenizer`,
          );
        embeddings.set(table.subarray(id * width, (id + 1) * width), i * width);
      });
      const outputs = await session.run({ embeddings: { data: embeddings, dims: [positions, width] } });
      return outputOf(outputs, 'hidden_states').data;
    },
    release: () => session.release(),
  };
}
