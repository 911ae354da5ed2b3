// What a run knows about itself in; the string metadata that A1111, Forge, ComfyUI and their managers read (kohya's `ss_*`, Stability's
// `modelspec.*`) out. Nothing in it tells of the user's folders, file names or captions.
import { adapterName } from './file-name.ts';

/** The model an adapter belongs to, in the words that other programs know. */
export interface BaseModel {
  name: string; // 'Stable Diffusion 1.5'
  version: string; // kohya's ss_base_model_version: 'sd_v1', 'sd_v2', or a name of our own for the demo model
  architecture: string; // modelspec: 'stable-diffusion-v1/lora'
  predictionType: 'epsilon' | 'v_prediction';
}

/** What of a run stands in its files. */
export interface RunFacts {
  identifier: string;
  classNoun: string;
  /** false: no caption said the name, so it calls nothing. Runs from before this was kept do not say. */
  nameTrained?: boolean;
  settings: {
    rank: number;
    alpha: number;
    learningRate: number;
    steps: number;
    batch: number;
    accumulate: number;
    schedule: string;
    warmupSteps: number;
    clip: number;
    seed: number;
    resolution: number;
  };
}

/** The demo model must not pass for SD 1: an adapter for it does nothing good there. */
export const demoBaseModel: BaseModel = {
  name: 'Darkroom demo model',
  version: 'darkroom_demo',
  architecture: 'darkroom-demo/lora',
  predictionType: 'epsilon',
};

/** kohya-style metadata of the adapter after `step` steps. It tells no time of day: the same run makes the same file, byte for byte. */
export function kohyaMetadata(run: RunFacts, base: BaseModel, photos: number, step: number): Record<string, string> {
  const { settings } = run;
  const name = adapterName(run.identifier, run.classNoun);
  const trigger = `${run.identifier} ${run.classNoun}`.trim();
  const { resolution } = settings;
  return strings({
    ss_v2: base.version.startsWith('sd_v2') ? 'True' : 'False',
    ss_base_model_version: base.version,
    ss_sd_model_name: base.name,
    ss_network_module: 'networks.lora',
    ss_network_dim: settings.rank,
    ss_network_alpha: settings.alpha,
    ss_network_args: '{}',
    ss_output_name: name,
    ss_learning_rate: settings.learningRate,
    ss_unet_lr: settings.learningRate,
    ss_num_train_images: photos,
    ss_steps: step,
    ss_max_train_steps: settings.steps,
    ss_total_batch_size: settings.batch,
    ss_gradient_accumulation_steps: settings.accumulate,
    ss_lr_scheduler: settings.schedule,
    ss_lr_warmup_steps: settings.warmupSteps,
    ss_optimizer: 'AdamW',
    ss_max_grad_norm: settings.clip,
    ss_seed: settings.seed,
    ss_resolution: `(${resolution}, ${resolution})`,
    ss_cache_latents: 'True',
    ss_loss_type: 'l2',
    'modelspec.sai_model_spec': '1.0.0',
    'modelspec.architecture': base.architecture,
    'modelspec.implementation': 'diffusers',
    'modelspec.title': name,
    'modelspec.resolution': `${resolution}x${resolution}`,
    'modelspec.prediction_type': base.predictionType === 'epsilon' ? 'epsilon' : 'v',
    ...((run.nameTrained ?? true)
      ? { 'modelspec.trigger_phrase': trigger, 'modelspec.usage_hint': `a photo of ${trigger}` }
      : {}),
    'modelspec.description': `Trained with Darkroom on ${base.name}.`,
  });
}

const strings = (values: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
