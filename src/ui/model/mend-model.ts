// In: a trouble of a model; out: what its one button does.
import type { Darkroom } from '../state/darkroom.svelte.ts';
import type { Mishap } from '../state/studio.ts';

/** What is here of a damaged model is in the way of a whole one; of one that could not be read, the rest is as good as ever. */
async function fetchAnew({ models, model, transfers }: Darkroom, modelId: string, damaged: boolean): Promise<void> {
  await models.refresh();
  if (damaged && models.of(modelId)?.state === 'complete') await models.remove(modelId);
  if (models.isHere(modelId)) await model.open(modelId);
  else await transfers.fetch(modelId);
}

/** `modelId`: whose trouble it is; null for a file that could not be taken in. */
export function mendModel(app: Darkroom, trouble: Mishap, modelId: string | null): void {
  const { models, model, transfers, route } = app;
  switch (trouble.code) {
    case 'not-a-checkpoint': {
      const { offered } = transfers;
      transfers.trouble = null;
      if (trouble.facts.kind === 'lora' && offered) {
        route.go('compare');
        void app.compare.read(offered);
      } else route.go('model');
      return;
    }
    case 'busy-training':
      route.go('train');
      return;
    case 'file-damaged':
    case 'file-unreadable':
      if (modelId !== null && trouble.facts.origin === 'fetched')
        void fetchAnew(app, modelId, trouble.code === 'file-damaged');
      else {
        transfers.trouble = null;
        route.go('model');
      }
      return;
    case 'not-this-family':
    case 'broken-weights':
    case 'hash-differs':
      transfers.trouble = null;
      route.go('model');
      return;
    case 'model-incomplete':
      model.trouble = null;
      if (trouble.facts.origin === 'disk') {
        route.go('model');
        return;
      }
      void transfers.fetch(trouble.facts.modelId);
      return;
    default:
      if (modelId === null) transfers.trouble = null;
      else if (models.isHere(modelId)) void model.open(modelId);
      else void transfers.fetch(modelId);
  }
}
