// What the encoders' worker offers to its client: types only.
import type { Outcome } from './outcome.ts';

/** A model without its tensors: they are read one by one through `ReadTensor` as a graph is built. */
export interface ModelOutline {
  config: unknown;
  fileName: string | undefined;
  shapes: [key: string, shape: number[]][];
}
export type ReadTensor = (key: string) => Promise<Outcome<Float32Array>>;

export interface RemoteEncoders {
  open(text: ModelOutline, read: ReadTensor): Promise<Outcome<{ textWidth: number }>>;
  encodeText(prompts: readonly Int32Array[], clipSkip?: number): Promise<Outcome<Float32Array[]>>;
}
