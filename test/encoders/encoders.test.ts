// The facade over all encoders as Node uses it, and how a Trouble crosses between workers.
import { expect, it, vi } from 'vitest';
import { openEncoders } from '../../src/encoders/client.ts';
import { settle, unwrap } from '../../src/encoders/outcome.ts';
import { Trouble } from '../../src/trouble.ts';
import { expectClose } from '../check.ts';
import { EXTRA, F32, open, readJson } from './open.ts';

// The first session compiles 14 MB of WASM: 0.3 s alone, many times that on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const vae = {
  config: readJson(`${EXTRA}/vae-old-names/config.json`),
  tensors: await open(`${EXTRA}/vae-old-names/model.safetensors`),
};
const textEncoder = {
  config: readJson(`${EXTRA}/text-gelu/config.json`),
  tensors: await open(`${EXTRA}/text-gelu/model.safetensors`),
};
const expectedVae = await open(`${EXTRA}/vae-old-names/expected.safetensors`);
const expectedText = await open(`${EXTRA}/text-gelu/expected.safetensors`);

it('encodes prompts and a photo and decodes, all asked for at once', async () => {
  const encoders = await openEncoders({ textEncoder, vae });
  expect([encoders.textWidth, encoders.scalingFactor, encoders.downscale]).toEqual([40, 0.18215, 4]);
  const ids = new Int32Array((await expectedText.bytes('ids')).buffer);
  const [states, { mean }, pixels] = await Promise.all([
    encoders.encodeText([ids, ids.toReversed()]),
    encoders.encodePhoto(await expectedVae.float32('pixels'), 20, 28),
    encoders.decode(await expectedVae.float32('latents'), 5, 7),
  ]);
  expect(states.length).toBe(2);
  expectClose(states[0]!, await expectedText.float32('hidden_states'), F32);
  expectClose(mean, await expectedVae.float32('mean'), F32);
  expectClose(pixels, await expectedVae.float32('decoded'), F32);
  await encoders.close();
});

it('refuses an unsupported config when opened', async () => {
  const odd = { ...vae, config: { ...vae.config, shift_factor: 0.1 } };
  await expect(openEncoders({ textEncoder, vae: odd })).rejects.toMatchObject({ facts: { key: 'shift_factor' } });
});

it('keeps the code and facts of a Trouble on its way through structured clone', async () => {
  const trouble = new Trouble('file-damaged', { file: 'vae', expected: 'a', got: 'b' });
  const outcome = structuredClone(await settle(() => Promise.reject(trouble)));
  expect(() => unwrap(outcome)).toThrow(expect.objectContaining({ code: 'file-damaged', facts: trouble.facts }));
  expect(() => unwrap(outcome)).toThrow(Trouble);
  const other = structuredClone(await settle(() => Promise.reject(new TypeError('gone'))));
  expect(() => unwrap(other)).toThrow('gone');
  expect(unwrap(structuredClone(await settle(() => 3)))).toBe(3);
});
