// When the encoders rest: never under the hands of whoever still waits for an answer.
import { expect, it } from 'vitest';
import type { Encoders } from '../../src/encoders/encoders.ts';
import { encoderRoom } from '../../src/worker/encoder-room.ts';

const none = { keys: () => [], shape: () => [], float32: async () => new Float32Array() };

function room() {
  const log: string[] = [];
  const encoded = { resolve: (_: Float32Array[]) => {}, reject: (_: Error) => {} };
  const promise = new Promise<Float32Array[]>((resolve, reject) => Object.assign(encoded, { resolve, reject }));
  const open = async () => {
    log.push('opened');
    return {
      textWidth: 1,
      encodeText: () => promise,
      close: async () => void log.push('closed'),
    } satisfies Encoders;
  };
  const tokenizer = { encodePadded: () => ({ ids: new Int32Array(), cutWords: 0 }), chunks: () => [] };
  return { log, encoded, encoders: encoderRoom({ config: {}, tensors: none }, tokenizer, open) };
}
const soon = () => new Promise((wake) => setTimeout(wake, 1));

it('rest waits for what is under way, and who comes meanwhile opens new ones', async () => {
  const { log, encoded, encoders } = room();
  const states = (await encoders.open()).encodeText([]);
  const resting = encoders.rest();
  await soon();
  expect(log).toEqual(['opened']);
  await encoders.open();
  expect(log).toEqual(['opened', 'opened']);
  encoded.resolve([Float32Array.of(7)]);
  expect(await states).toEqual([Float32Array.of(7)]);
  await resting;
  expect(log).toEqual(['opened', 'opened', 'closed']);
});

it('close does not wait', async () => {
  const { log, encoders } = room();
  void (await encoders.open()).encodeText([]);
  await encoders.close();
  expect(log).toEqual(['opened', 'closed']);
});

it('a text that fails does not keep them from resting', async () => {
  const { log, encoded, encoders } = room();
  const states = (await encoders.open()).encodeText([]);
  encoded.reject(new Error('no'));
  await expect(states).rejects.toThrow('no');
  await encoders.rest();
  expect(log).toEqual(['opened', 'closed']);
});
