// A checkpoint's text encoder in; about how many bytes onnxruntime's WASM memory takes for it out.
import type { EncoderFiles } from './encoders.ts';

/** onnxruntime itself and its compiled code, bytes: what a model of nothing takes. */
const RUNTIME = 128 * 2 ** 20;

export const textRam = ({ tensors }: EncoderFiles): number =>
  tensors.keys().reduce((bytes, key) => bytes + 4 * tensors.shape(key).reduce((a, b) => a * b, 1), RUNTIME);
