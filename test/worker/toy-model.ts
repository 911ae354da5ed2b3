// A model without files: encoders that are formulas, a canvas, pictures without a canvas element.
import { vi } from 'vitest';
import type { Encoders } from '../../src/encoders/encoders.ts';
import type { Canvas } from '../../src/worker/drawing.ts';
import { encoderRoom } from '../../src/worker/encoder-room.ts';
import { timings } from '../../src/worker/timings.ts';
import type { VaeRoom } from '../../src/worker/vae-room.ts';
import { set } from '../training/toy-run.ts';
import { memoryTimings } from './memory-stores.ts';

/** Text states are the ids' sum, (77, 1); counts how often it was opened and asked. */
export function toyEncoders() {
  const count = { opened: 0, closed: 0, prompts: 0 };
  const open = async (): Promise<Encoders> => {
    count.opened += 1;
    return {
      textWidth: 1,
      async encodeText(prompts) {
        count.prompts += prompts.length;
        return prompts.map((ids) => new Float32Array(77).fill(ids.reduce((a, b) => a + b, 0)));
      },
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
  const room = encoderRoom({ config: {}, tensors: none }, tokenizer, open);
  return { room, count };
}
const none = { keys: () => [], shape: () => [], float32: async () => new Float32Array() };

/** Latents of 2 × 2; a photo's mean is its pixels' first values. `decodeMs`: how slow its decoder says it is; it may fail with `refusal`. */
export function toyCanvas(decodeMs = 0, refusal?: Error) {
  const { room, count } = toyEncoders();
  const asked = Object.assign(count, { decoded: 0, rested: 0 });
  const vae: VaeRoom = {
    ...{ scalingFactor: 0.5, downscale: 8, decodeMs: async () => decodeMs },
    needs: (half, _size, _card, lent = []) => (half === 'encode' ? 3 : lent.length),
    encode: async (pixels) => ({ mean: pixels.slice(0, 16), logVariance: new Float32Array(16).fill(-2) }),
    async decode(_, size) {
      asked.decoded += 1;
      if (refusal) throw refusal;
      return { pixels: new Float32Array(3 * size * size), again: false };
    },
    async rest() {
      asked.rested += 1;
    },
  };
  const timed = timings(memoryTimings(), 'toy', async () => ({ key: 'toy', name: 'toy', flopsPerMs: null }));
  const canvas: Canvas = {
    ...{ encoders: room, vae, schedule: set.schedule, downscale: 8, textWidth: 1, sizes: [16], textRam: 1 },
    timings: timed,
  };
  return { canvas, count: asked };
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
