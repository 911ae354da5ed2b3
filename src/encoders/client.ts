// A checkpoint's text encoder in; an `Encoders` out that runs in a worker of its own, because WASM memory never shrinks: close() ends it.
import { proxy, transfer, wrap } from 'comlink';
import type { EncoderFiles, Encoders } from './encoders.ts';
import { type Outcome, settle, unwrap } from './outcome.ts';
import type { ModelOutline, ReadTensor, RemoteEncoders } from './remote.ts';

/**
 * Starts the encoders' worker (in Node: opens them in this thread).
 * Throws Trouble 'not-this-family' for configs that are not supported; the methods throw Trouble 'file-damaged' for damaged tensors.
 * close() ends the worker at once: calls that wait for it reject with an AbortError.
 */
export async function openEncoders(files: EncoderFiles): Promise<Encoders> {
  if (inNode) return (await import('./encoders.ts')).openEncodersHere(files);

  const worker = new Worker(new URL('./encoders.worker.ts', import.meta.url), { type: 'module', name: 'encoders' });
  const remote = wrap<RemoteEncoders>(worker);
  // Comlink never hears of a worker that died or could not be loaded: its calls would wait for ever.
  const { promise: ended, reject: end } = Promise.withResolvers<never>();
  ended.catch(() => {});
  const stop = (reason: Error) => {
    worker.terminate();
    end(reason);
  };
  worker.onerror = (event) =>
    stop(new Error(`the encoders' worker failed: ${event.message || 'its script did not load'}`));
  const answer = async <T>(call: Promise<Outcome<T>>): Promise<T> => unwrap(await Promise.race([call, ended]));

  const read: ReadTensor = async (key) => {
    const outcome = await settle(() => files.tensors.float32(key));
    if (!outcome.ok) return outcome;
    const values = owned(outcome.value);
    return transfer({ ok: true, value: values }, [values.buffer]);
  };
  try {
    const facts = await answer(remote.open(outline(files), proxy(read)));
    return {
      ...facts,
      encodeText: (prompts, clipSkip) => answer(remote.encodeText(prompts, clipSkip)),
      close: async () => stop(new DOMException('the encoders were closed', 'AbortError')),
    };
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

// Not `typeof Worker`: onnxruntime's loader puts Node's own Worker, another thing, on globalThis.
const inNode = typeof process === 'object' && typeof process.versions?.node === 'string';

const outline = ({ config, tensors }: EncoderFiles): ModelOutline => ({
  config,
  fileName: tensors.fileName,
  shapes: tensors.keys().map((key) => [key, tensors.shape(key)]),
});

/** An array alone in its buffer, so that handing the buffer over takes nothing else along (a view into a whole file, say). */
const owned = (values: Float32Array): Float32Array<ArrayBuffer> =>
  values.buffer instanceof ArrayBuffer && values.byteLength === values.buffer.byteLength
    ? (values as Float32Array<ArrayBuffer>)
    : Float32Array.from(values);
