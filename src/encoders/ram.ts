// A checkpoint's text encoder and VAE in; about how many bytes onnxruntime's WASM memory takes to encode a photo or decode a picture out.
import type { TensorSource } from '../tensor/tensor-source.ts';
import type { EncoderFiles } from './encoders.ts';
import { readVaeConfig } from './vae-config.ts';

export interface EncoderNeeds {
  readonly decoderParameters: number;
  /** Bytes while text and a photo of size² px are encoded; both sessions are open. */
  encodeRam(size: number): number;
  decodeRam(size: number): number;
}

/** Tensors of the largest kind that are alive together while a full-size block runs, scratch included: what the demo's decoder measures at 256 to 512 px. */
const ALIVE = 4;
/** onnxruntime itself and its compiled code, bytes: what a model of nothing takes. */
const RUNTIME = 128 * 2 ** 20;

export function encoderNeeds({ textEncoder, vae }: EncoderFiles): EncoderNeeds {
  const { widths, midAttention } = readVaeConfig(vae.config);
  const [first, second = first] = widths as [number, number?];
  const downscale = 2 ** (widths.length - 1);
  const text = parameters(textEncoder.tensors, /./);
  const encoder = parameters(vae.tensors, /^(encoder|quant_conv)\./);
  const decoder = parameters(vae.tensors, /^(decoder|post_quant_conv)\./);
  const activations = (size: number, channels: number): number => {
    const scores = midAttention ? 2 * (size / downscale) ** 4 : 0;
    return 4 * Math.max(ALIVE * channels * size ** 2, scores);
  };
  return {
    decoderParameters: decoder,
    encodeRam: (size) => RUNTIME + 4 * (text + encoder) + activations(size, first),
    decodeRam: (size) => RUNTIME + 4 * decoder + activations(size, second), // its last level begins as wide as the one before it
  };
}

const parameters = (tensors: TensorSource, which: RegExp): number =>
  tensors
    .keys()
    .filter((key) => which.test(key))
    .reduce((sum, key) => sum + tensors.shape(key).reduce((a, b) => a * b, 1), 0);
