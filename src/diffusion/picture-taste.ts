// A model's id in; how its pictures come out clearest out: what is asked for where nobody asks for something else.
export interface PictureTaste {
  steps: number; // DDIM
  guidance: number;
  /** Behind the name sentence of a picture with an adapter. */
  scene: string;
}
const USUAL: PictureTaste = { steps: 20, guidance: 7.5, scene: '' };
/** It learned figurines on coloured backgrounds, by captions that name the colour; more guidance makes its shapes coarse. */
const OF_THE_DEMO: PictureTaste = { steps: 30, guidance: 4, scene: ' on a blue background' };

export const tasteOf = (modelId: string | null): PictureTaste => (modelId === 'demo' ? OF_THE_DEMO : USUAL);
