// The facade over the text encoder as Node uses it, and how a Trouble crosses between workers.
import { expect, it, vi } from 'vitest';
import { openEncoders } from '../../src/encoders/client.ts';
import { settle, unwrap } from '../../src/encoders/outcome.ts';
import { Trouble } from '../../src/trouble.ts';
import { expectClose } from '../check.ts';
import { EXTRA, F32, open, readJson } from './open.ts';

// The first session compiles 14 MB of WASM: 0.3 s alone, many times that on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const textEncoder = {
  config: readJson(`${EXTRA}/text-gelu/config.json`),
  tensors: await open(`${EXTRA}/text-gelu/model.safetensors`),
};
const expectedText = await open(`${EXTRA}/text-gelu/expected.safetensors`);

it('encodes prompts, all asked for at once', async () => {
  const encoders = await openEncoders(textEncoder);
  expect(encoders.textWidth).toBe(40);
  const ids = new Int32Array((await expectedText.bytes('ids')).buffer);
  const [states, one] = await Promise.all([encoders.encodeText([ids, ids.toReversed()]), encoders.encodeText([ids])]);
  expect(states.length).toBe(2);
  expectClose(states[0]!, await expectedText.float32('hidden_states'), F32);
  expect(one[0]).toEqual(states[0]);
  await encoders.close();
});

it('refuses an unsupported config when opened', async () => {
  const odd = { ...textEncoder, config: { ...textEncoder.config, hidden_act: 'relu' } };
  await expect(openEncoders(odd)).rejects.toMatchObject({ facts: { key: 'hidden_act' } });
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
