// A model's id in; how its pictures come out clearest out: what is asked for where nobody asks for something else.
import type { Sampler } from './samplers.ts';

export interface PictureTaste {
  sampler: Sampler;
  steps: number;
  guidance: number;
  /** Behind the name sentence of a picture with an adapter. */
  scene: string;
}
const USUAL: PictureTaste = { sampler: 'dpm++2m', steps: 20, guidance: 7.5, scene: '' };
/** It learned figurines on coloured backgrounds, by captions that name the colour; more guidance makes its shapes coarse. */
const OF_THE_DEMO: PictureTaste = { sampler: 'ddim', steps: 30, guidance: 4, scene: ' on a blue background' };

export const tasteOf = (modelId: string | null): PictureTaste => (modelId === 'demo' ? OF_THE_DEMO : USUAL);
