// What a picture is drawn by, and the picture.
import type { WeightStorage } from '../gpu/engine-types.ts';
import type { Sampler } from './samplers.ts';

/** A stored adapter as a picture has it. */
export interface AdapterChoice {
  adapterId: string;
  moment: number | null; // saved step; null = the best
  strength: number;
}
/** Layers of the largest text encoder that is read here, OpenCLIP's. */
export const MOST_CLIP_SKIP = 24;

export interface DrawRequest {
  prompt: string;
  negativePrompt: string;
  /** PyTorch's: the same noise, and so the same picture, as in diffusers. */
  seed: number;
  /** Absent in a picture that an earlier version drew: by DDIM, from noise of our own, so that what is drawn beside it is its pair. */
  sampler?: Sampler;
  steps: number;
  guidance: number;
  /** Of the text encoder's layers, as A1111 counts; absent: 1, the whole. */
  clipSkip?: number;
  adapterId: string | null; // null = without
  moment: number | null; // saved step; null = the best
  strength: number;
  /** Adapters that are laid over the model together with it, each with its own strength. Absent: none. */
  beside?: readonly AdapterChoice[];
  size: number; // px, square; one of ModelInfo.sizes
  weights: WeightStorage;
}
export interface Picture {
  /** sketch: latents seen as colours, one pixel each; what a run shows of itself where a full decode would hold it up. */
  kind: 'full' | 'sketch';
  /** 16 bits were too few for its decoding: it was done again in 32. */
  again?: true;
  png: Blob;
  width: number;
  height: number;
  request: DrawRequest;
  ms: number;
}
