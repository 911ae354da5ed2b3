// What a run knows about itself in; the string metadata that A1111, Forge, ComfyUI and their managers read (kohya's `ss_*`, Stability's
// `modelspec.*`) out. Nothing in it tells of the user's folders, photos' names or captions.
import { type BaseModel, baseMetadata } from './base-model.ts';
import { adapterName } from './file-name.ts';

/** What of a run stands in its files. */
export interface RunFacts {
  identifier: string;
  classNoun: string;
  /** false: no caption said the name, so it calls nothing. Runs from before this was kept do not say. */
  nameTrained?: boolean;
  settings: {
    rank: number;
    alpha: number;
    targets: string;
    learningRate: number;
    steps: number;
    epochs: number;
    batch: number;
    accumulate: number;
    schedule: string;
    warmupSteps: number;
    clip: number;
    optimizer: string;
    minSnrGamma: number;
    noiseOffset: number;
    classPictures: number;
    priorWeight: number;
    crops: number;
    mirror: string;
    clipSkip: number;
    captionDropout: number;
    tagOrders: number;
    keptTags: number;
    seed: number;
    resolution: number;
  };
}

/**
 * kohya-style metadata of the adapter after `step` steps, learned from `images`. `base` is null where it is not known any more. It tells no time of
 * day: the same run makes the same file, byte for byte.
 */
export function kohyaMetadata(
  run: RunFacts,
  base: BaseModel | null,
  images: number,
  step: number,
): Record<string, string> {
  const { settings } = run;
  const name = adapterName(run.identifier, run.classNoun);
  const trigger = `${run.identifier} ${run.classNoun}`.trim();
  const { resolution } = settings;
  return strings({
    ...baseMetadata(base),
    ss_network_module: 'networks.lora',
    ss_network_dim: settings.rank,
    ss_network_alpha: settings.alpha,
    // What kohya's networks.lora was called with.
    ss_network_args: JSON.stringify(
      settings.targets === 'locon' ? { conv_dim: `${settings.rank}`, conv_alpha: `${settings.alpha}` } : {},
    ),
    ss_output_name: name,
    ss_learning_rate: settings.learningRate,
    ss_unet_lr: settings.learningRate,
    ss_num_train_images: images,
    ss_steps: step,
    ss_max_train_steps: settings.steps,
    ...(settings.epochs > 0 ? { ss_num_epochs: settings.epochs } : {}),
    ss_total_batch_size: settings.batch,
    ss_gradient_accumulation_steps: settings.accumulate,
    ss_lr_scheduler: settings.schedule,
    ss_lr_warmup_steps: settings.warmupSteps,
    ss_optimizer: settings.optimizer === 'adamw8bit' ? 'AdamW8bit' : 'AdamW',
    ss_max_grad_norm: settings.clip,
    ss_seed: settings.seed,
    ss_resolution: `(${resolution}, ${resolution})`,
    ss_cache_latents: 'True',
    ss_loss_type: 'l2',
    ...optionMetadata(settings),
    'modelspec.sai_model_spec': '1.0.0',
    'modelspec.implementation': 'diffusers',
    'modelspec.title': name,
    'modelspec.resolution': `${resolution}x${resolution}`,
    ...((run.nameTrained ?? true)
      ? { 'modelspec.trigger_phrase': trigger, 'modelspec.usage_hint': `a photo of ${trigger}` }
      : {}),
    'modelspec.description': base ? `Trained with Darkroom on ${base.name}.` : 'Trained with Darkroom.',
  });
}

/** Of an adapter that was read from a file: scale and ranks were folded, so alpha is the rank. */
export const networkOf = (rank: number): Record<string, string> =>
  strings({ ss_network_module: 'networks.lora', ss_network_dim: rank, ss_network_alpha: rank });

/** What was asked for beside the plain recipe, in kohya's names; as in its files, what was not is not named. */
function optionMetadata(settings: RunFacts['settings']): Record<string, string | number> {
  const { minSnrGamma, noiseOffset, classPictures, priorWeight, captionDropout, tagOrders, keptTags } = settings;
  return {
    ...(minSnrGamma > 0 ? { ss_min_snr_gamma: minSnrGamma } : {}),
    ...(noiseOffset > 0 ? { ss_noise_offset: noiseOffset } : {}),
    ...(classPictures > 0 ? { ss_num_reg_images: classPictures, ss_prior_loss_weight: priorWeight } : {}),
    ...(settings.clipSkip > 1 ? { ss_clip_skip: settings.clipSkip } : {}),
    ...(captionDropout > 0 ? { ss_caption_dropout_rate: captionDropout } : {}),
    ...(settings.crops > 0 ? { ss_random_crop: 'True' } : {}),
    ...(settings.mirror === 'on' ? { ss_flip_aug: 'True' } : {}),
    ...(tagOrders > 0 ? { ss_shuffle_caption: 'True', ss_keep_tokens: keptTags } : {}),
  };
}

/** Of a file in diffusers' layout: the same, without what only kohya's layout has. */
export const withoutNetwork = (metadata: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => !key.startsWith('ss_network_')));

const strings = (values: Record<string, string | number>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
