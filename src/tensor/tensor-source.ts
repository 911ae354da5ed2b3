// What a checkpoint must offer so that an encoder can be built from it: types only, no data.

/** The tensors of one model (a text encoder, a VAE) by their diffusers names. `files/` has the reader; tests use a Map. */
export interface TensorSource {
  /** For messages: which file a damaged tensor is in. */
  readonly fileName?: string;
  keys(): string[];
  /** Dimensions, outermost first. Only asked for keys that `keys()` lists. */
  shape(key: string): number[];
  /** The values as f32, row-major, whatever the file's own dtype. The caller owns the array and may transfer its buffer. */
  float32(key: string): Promise<Float32Array>;
}
