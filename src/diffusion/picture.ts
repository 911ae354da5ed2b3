// What a picture is drawn by, and the picture.
import type { WeightStorage } from '../gpu/engine-types.ts';

export interface DrawRequest {
  prompt: string;
  negativePrompt: string;
  seed: number;
  steps: number; // DDIM
  guidance: number;
  adapterId: string | null; // null = without
  moment: number | null; // saved step; null = the best
  strength: number;
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
