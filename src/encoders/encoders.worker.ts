// The worker that onnxruntime's WASM memory lives and dies with: model outlines and inputs in from client.ts, encoded arrays out.
import { expose, transfer } from 'comlink';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { TensorSource } from '../tensor/tensor-source.ts';
import { type Encoders, openEncodersHere } from './encoders.ts';
import { setWasmUrl } from './ort.ts';
import { type Outcome, settle, unwrap } from './outcome.ts';
import type { ModelOutline, ReadTensor, RemoteEncoders } from './remote.ts';

// Relative to this script wherever the app is hosted (`base: './'`).
setWasmUrl(new URL(wasmUrl, import.meta.url).href);

let encoders: Encoders | undefined;
const opened = (): Encoders => {
  if (!encoders) throw new Error('expected open() before anything else: call openEncoders in client.ts');
  return encoders;
};

const remote: RemoteEncoders = {
  open: (text, read) =>
    settle(() => {
      encoders = openEncodersHere({ config: text.config, tensors: sourceOf(text, read) });
      return { textWidth: encoders.textWidth };
    }),
  encodeText: async (prompts, clipSkip) =>
    moved(await settle(() => opened().encodeText(prompts, clipSkip)), (states) => states),
};
expose(remote);

function sourceOf({ fileName, shapes }: ModelOutline, read: ReadTensor): TensorSource {
  const byKey = new Map(shapes);
  return {
    fileName,
    keys: () => [...byKey.keys()],
    shape: (key) => byKey.get(key) ?? [],
    float32: async (key) => unwrap(await read(key)),
  };
}

/** Hands the arrays' memory over instead of copying it. */
function moved<T>(outcome: Outcome<T>, arrays: (value: T) => Float32Array[]): Outcome<T> {
  return outcome.ok
    ? transfer(
        outcome,
        arrays(outcome.value).map((array) => array.buffer as ArrayBuffer),
      )
    : outcome;
}
