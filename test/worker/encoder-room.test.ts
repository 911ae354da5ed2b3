// When the encoders rest: never under the hands of whoever still waits for a picture.
import { expect, it } from 'vitest';
import type { Encoders } from '../../src/encoders/encoders.ts';
import { encoderRoom } from '../../src/worker/encoder-room.ts';

const none = { keys: () => [], shape: () => [], float32: async () => new Float32Array() };

function room() {
  const log: string[] = [];
  const decoded = { resolve: (_: Float32Array) => {}, reject: (_: Error) => {} };
  const promise = new Promise<Float32Array>((resolve, reject) => Object.assign(decoded, { resolve, reject }));
  const open = async () => {
    log.push('opened');
    return {
      ...{ textWidth: 1, scalingFactor: 1, downscale: 8 },
      decode: () => promise,
      close: async () => void log.push('closed'),
    } as unknown as Encoders;
  };
  const tokenizer = { encodePadded: () => ({ ids: new Int32Array(), cutWords: 0 }), chunks: () => [] };
  const files = { textEncoder: { config: {}, tensors: none }, vae: { config: {}, tensors: none } };
  return { log, decoded, encoders: encoderRoom(files, tokenizer, open) };
}
const soon = () => new Promise((wake) => setTimeout(wake, 1));

it('rest waits for what is under way, and who comes meanwhile opens new ones', async () => {
  const { log, decoded, encoders } = room();
  const picture = (await encoders.open()).decode(new Float32Array(), 1, 1);
  const resting = encoders.rest();
  await soon();
  expect(log).toEqual(['opened']);
  await encoders.open();
  expect(log).toEqual(['opened', 'opened']);
  decoded.resolve(Float32Array.of(7));
  expect(await picture).toEqual(Float32Array.of(7));
  await resting;
  expect(log).toEqual(['opened', 'opened', 'closed']);
});

it('close does not wait', async () => {
  const { log, encoders } = room();
  void (await encoders.open()).decode(new Float32Array(), 1, 1);
  await encoders.close();
  expect(log).toEqual(['opened', 'closed']);
});

it('a decode that fails does not keep them from resting', async () => {
  const { log, decoded, encoders } = room();
  const picture = (await encoders.open()).decode(new Float32Array(), 1, 1);
  decoded.reject(new Error('no'));
  await expect(picture).rejects.toThrow('no');
  await encoders.rest();
  expect(log).toEqual(['opened', 'closed']);
});
