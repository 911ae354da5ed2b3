// Drawing prompts by A1111's rule, written down a second time in tools/goldens/prompts.py: tokens, weights, chunks, and transformers' states by them.
import { expect, it, vi } from 'vitest';
import { openEncodersHere } from '../../src/encoders/encoders.ts';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import { encoderRoom } from '../../src/worker/encoder-room.ts';
import { relativeL2 } from '../../tools/golden-run.ts';
import { DEMO, open, readJson, readText } from './open.ts';

vi.setConfig({ testTimeout: 60_000 }); // the first session compiles 14 MB of WASM

const config = readJson(`${DEMO}/tokenizer/tokenizer_config.json`);
const load = (more = {}) =>
  loadTokenizer(readText(`${DEMO}/tokenizer/vocab.json`), readText(`${DEMO}/tokenizer/merges.txt`), {
    ...config,
    ...more,
  });
const tokenizer = load();
const prompts = JSON.parse(readText('test/golden/prompts.json')) as {
  text: string;
  chunks: { ids: number[]; weights: number[] }[];
}[];

it.each(prompts)('reads $text', ({ text, chunks }) => {
  const read = tokenizer.chunks(text);
  expect(read.map(({ ids }) => [...ids.slice(1, -1)])).toEqual(chunks.map(({ ids }) => ids));
  for (const [i, { ids, weights }] of read.entries()) {
    expect([ids[0], ids.at(-1), weights[0], weights.at(-1)]).toEqual([49406, 49407, 1, 1]);
    const off = chunks[i]!.weights.map((weight, at) => Math.abs(weight - weights[at + 1]!));
    expect(Math.max(...off)).toBeLessThan(1e-6); // the file has six places
  }
});

it('a prompt without brackets that fits is what a caption is; a caption’s brackets are letters', () => {
  const text = 'a photo of aawxbc figurine';
  expect(tokenizer.chunks(text)[0]!.ids).toEqual(tokenizer.encodePadded(text).ids);
  expect(tokenizer.encodePadded('a (red:1.3) duck').ids).not.toEqual(tokenizer.chunks('a (red:1.3) duck')[0]!.ids);
  const sd2 = load({ pad_token: '!' });
  expect(sd2.chunks('a cat')[0]!.ids).toEqual(sd2.encodePadded('a cat').ids);
});

const EVERY = 6; // rows of the states that the golden keeps
const room = async () => {
  const files = {
    config: readJson(`${DEMO}/text_encoder/config.json`),
    tensors: await open(`${DEMO}/text_encoder/model.safetensors`),
  };
  return encoderRoom(files, tokenizer, async () => openEncodersHere(files));
};

it('gives transformers’ states by the weights, mean restored, and both prompts as many tokens', async () => {
  const golden = await open('test/golden/prompts.safetensors');
  const encoders = await room();
  expect(golden.keys().length).toBe(6);
  for (const key of golden.keys()) {
    const { text } = prompts[Number(key.split('.')[1])]!;
    const [width, expected] = [golden.shape(key)[1]!, await golden.float32(key)];
    const [states] = await encoders.promptStates([text]);
    const rows = Array.from({ length: expected.length / width }, (_, i) => i * EVERY);
    const kept = rows.flatMap((row) => [...states!.subarray(row * width, (row + 1) * width)]);
    expect(relativeL2(Float32Array.from(kept), expected), text).toBeLessThan(1e-5);
  }
  const [long, short] = await encoders.promptStates(['octopus '.repeat(80), 'blurry']);
  const [empty, alone] = await encoders.promptStates(['', 'blurry']);
  expect(long!.length).toBe(2 * 77 * 96);
  expect(short).toEqual(Float32Array.from([...alone!, ...empty!]));
  await encoders.close();
});
