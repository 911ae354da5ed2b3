// The id of the model that an adapter of an earlier version was trained on in; what is still known of that model out.
import { type BaseModel, baseModelOf, demoBaseModel } from '../adapter/base-model.ts';
import { noiseSchedule } from '../diffusion/noise-schedule.ts';
import { parseUNetConfig } from '../model/config.ts';
import type { ModelFiles } from './model-session.ts';

interface Models {
  open(signal: AbortSignal, modelId: string, onProgress: () => void): Promise<ModelFiles>;
}

/** Null for a checkpoint that is not here any more, or cannot be read. */
export async function earlierBase(models: Models, modelId: string): Promise<BaseModel | null> {
  if (modelId === 'demo') return demoBaseModel;
  if (modelId === 'sd15') return { name: 'Stable Diffusion 1.5', family: 'sd1', predictionType: 'epsilon' };
  try {
    const files = await models.open(new AbortController().signal, modelId, () => {});
    const scheduler = (await files.json('scheduler/scheduler_config.json')) as Record<string, unknown>;
    const said = scheduler.prediction_type ? noiseSchedule(scheduler).predictionType : null;
    return baseModelOf(files.info, parseUNetConfig(await files.json('unet/config.json')), said);
  } catch {
    return null;
  }
}
