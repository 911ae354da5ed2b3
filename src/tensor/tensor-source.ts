// What a checkpoint must offer so that an encoder can be built from it, or a U-Net uploaded: types only, no data.

/** The tensors of one model (a text encoder, a VAE) by their diffusers names. `files/` has the reader; tests use a Map. */
export interface TensorSource {
  /** For messages: which file a damaged tensor is in. */
  readonly fileName?: string;
  keys(): string[];
  /** Dimensions, outermost first. Only asked for keys that `keys()` lists. */
  shape(key: string): number[];
  /** The values as f32, row-major, whatever the file's own dtype. The caller owns the array and may transfer its buffer. */
  float32(key: string): Promise<Float32Array>;
  /** The file's own number format (`F16`, `BF16`, `F32` …) and bytes, where it can give them: what is f16 need not become f32 on its way to the GPU. */
  dtype?(key: string): string;
  /** A fresh copy that starts at offset 0 of its buffer. */
  bytes?(key: string): Promise<Uint8Array<ArrayBuffer>>;
}
