// A model without files: encoders that are formulas, a canvas, pictures without a canvas element.
import { vi } from 'vitest';
import type { Encoders } from '../../src/encoders/encoders.ts';
import type { Canvas } from '../../src/worker/drawing.ts';
import { encoderRoom } from '../../src/worker/encoder-room.ts';
import { timings } from '../../src/worker/timings.ts';
import { set } from '../training/toy-run.ts';
import { memoryTimings } from './memory-stores.ts';

/** Text states are the ids' sum, (77, 1), a photo's mean its pixels' first values; counts how often it was opened and asked. */
export function toyEncoders() {
  const count = { opened: 0, closed: 0, prompts: 0 };
  const open = async (): Promise<Encoders> => {
    count.opened += 1;
    return {
      textWidth: 1,
      scalingFactor: 0.5,
      downscale: 8,
      async encodeText(prompts) {
        count.prompts += prompts.length;
        return prompts.map((ids) => new Float32Array(77).fill(ids.reduce((a, b) => a + b, 0)));
      },
      encodePhoto: async (pixels) => ({ mean: pixels.slice(0, 16), logVariance: new Float32Array(16).fill(-2) }),
      decode: async (_, height, width) => new Float32Array(3 * height * 8 * width * 8),
      async close() {
        count.closed += 1;
      },
    };
  };
  const tokenizer = {
    encodePadded: (text: string) => ({ ids: Int32Array.from(text, (c) => c.charCodeAt(0)), cutWords: 0 }),
    chunks: (text: string) => [
      { ids: Int32Array.from(text, (c) => c.charCodeAt(0)), weights: new Float32Array(77).fill(1) },
    ],
  };
  const room = encoderRoom(
    { textEncoder: { config: {}, tensors: none }, vae: { config: {}, tensors: none } },
    tokenizer,
    open,
  );
  return { room, count };
}
const none = { keys: () => [], shape: () => [], float32: async () => new Float32Array() };

/** Latents of 2 × 2. `decoderParameters`: how slow its decoder shall be. */
export function toyCanvas(decoderParameters = 0) {
  const { room, count } = toyEncoders();
  const timed = timings(memoryTimings(), 'toy', async () => ({ key: 'toy', name: 'toy', flopsPerMs: null }));
  const canvas: Canvas = {
    ...{ encoders: room, schedule: set.schedule, downscale: 8, textWidth: 1, sizes: [16] },
    needs: { decoderParameters, encodeRam: () => 1, decodeRam: () => 2 },
    timings: timed,
  };
  return { canvas, count };
}

/** Node has no OffscreenCanvas; the picture's bytes are not what these tests look at. */
export function withoutCanvas(): void {
  vi.stubGlobal('ImageData', class {});
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      getContext = () => ({ putImageData() {} });
      convertToBlob = async () => new Blob(['png']);
    },
  );
}
