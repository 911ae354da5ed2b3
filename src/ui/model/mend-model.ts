// In: a trouble of a model; out: what its one button does.
import type { Darkroom } from '../state/darkroom.svelte.ts';
import type { Mishap } from '../state/studio.ts';

/** `modelId`: whose trouble it is; null for a file that could not be taken in. */
export function mendModel(app: Darkroom, trouble: Mishap, modelId: string | null): void {
  const { models, model, transfers, route } = app;
  switch (trouble.code) {
    case 'not-a-checkpoint':
    case 'not-this-family':
    case 'broken-weights':
    case 'hash-differs':
      transfers.trouble = null;
      route.go('model');
      return;
    case 'model-incomplete':
      model.trouble = null;
      void transfers.fetch(trouble.facts.modelId);
      return;
    default:
      if (modelId === null) transfers.trouble = null;
      else if (models.isHere(modelId)) void model.open(modelId);
      else void transfers.fetch(modelId);
  }
}
