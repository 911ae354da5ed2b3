// The check's options in; tokenizer and text encoder as the app runs them, in WASM, held against transformers, out.

import { openEncodersHere } from '../../src/encoders/encoders.ts';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import { Distance } from './errors.ts';
import { load } from './load.ts';
import type { Options } from './options.ts';
import { checkpoint, reference } from './prepare.ts';
import { type Row, row } from './row.ts';
import { wasmBytes } from './wasm-heap.ts';

/** f32 arithmetic on both sides. */
const BAR = 1e-3;
const TOKENS = 77;

export async function encodersCheck(options: Options): Promise<{ rows: Row[]; report: object }> {
  const folder = await checkpoint(options);
  const { tensors, facts } = await reference(options);
  const seconds: Record<string, number> = {};
  const model = await load(options, folder, seconds);
  const encoders = openEncodersHere({
    config: await model.json('text_encoder/config.json'),
    tensors: await model.tensors('text_encoder/model.safetensors'),
  });
  const bytes: Record<string, number> = {};
  const phase = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - began) / 1000;
    bytes[name] = wasmBytes();
    console.log(`  ${name}: ${seconds[name]?.toFixed(1)} s, WASM memory ${((bytes[name] ?? 0) / 1e6).toFixed(0)} MB`);
    return result;
  };
  const tokenizer = loadTokenizer(
    await model.text('tokenizer/vocab.json'),
    await model.text('tokenizer/merges.txt'),
    await model.json('tokenizer/tokenizer_config.json'),
  );
  const ids = (facts.prompts ?? []).map((prompt) => tokenizer.encodePadded(prompt).ids);
  const wantedIds = Array.from(new BigInt64Array((await tensors.bytes('ids')).buffer), Number);
  const sameIds =
    ids.length * TOKENS === wantedIds.length &&
    ids.every((one, i) => one.every((id, j) => id === wantedIds[i * TOKENS + j]));

  const states = await phase('text', () => encoders.encodeText(ids));
  await encoders.close();
  const text = Float32Array.from(states.flatMap((s) => [...s]));
  const { relL2 } = new Distance().add(text, await tensors.float32('hidden_states'));
  const rows = [
    row('token ids as transformers has them', Number(sameIds), '=', 1),
    row('hidden_states, rel. L2', relL2, '≤', BAR),
  ];
  const errors = { hidden_states: { relL2 } };
  return { rows, report: { options, errors, seconds, wasmBytes: bytes, reference: facts } };
}
