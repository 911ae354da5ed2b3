// Nothing in; which files Stable Diffusion 1.5 has, out: at one commit of its repository, in f16, with their lengths and sha256.
import { createSHA256 } from 'hash-wasm';
import { neededFiles } from '../files/model-folder.ts';
import type { Manifest, ManifestFile } from './manifest.ts';

export const REPOSITORY = 'stable-diffusion-v1-5/stable-diffusion-v1-5';
export const COMMIT = '451f4fe16113bff5a5d2269ed5ad43b0592e9a14';

/** Lengths and hashes as several public listings of this commit agree on them. */
const FETCHED: readonly ManifestFile[] = [
  {
    path: 'tokenizer/vocab.json',
    bytes: 1_059_962,
    sha256: 'e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349',
  },
  {
    path: 'tokenizer/merges.txt',
    bytes: 524_619,
    sha256: '9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a',
  },
  {
    path: 'tokenizer/tokenizer_config.json',
    bytes: 806,
    sha256: '00439066fcba73de57644cf41e4e3b9f2dbb09d7f3fc2005898ba52399045882',
  },
  {
    path: 'text_encoder/model.safetensors',
    from: 'text_encoder/model.fp16.safetensors',
    bytes: 246_144_864,
    sha256: '77795e2023adcf39bc29a884661950380bd093cf0750a966d473d1718dc9ef4e',
  },
  {
    path: 'unet/config.json',
    bytes: 743,
    sha256: '78f474de6bab3d893868f37be97b636ae65c0df3073ed3256ca458ff599b5f96',
  },
  {
    path: 'unet/diffusion_pytorch_model.safetensors',
    from: 'unet/diffusion_pytorch_model.fp16.safetensors',
    bytes: 1_719_125_304,
    sha256: 'c83908253f9a64d08c25fc90874c9c8aef9a329ce1ca5fb909d73b0c83d1ea21',
  },
  {
    path: 'vae/config.json',
    bytes: 547,
    sha256: '786a7d21647ddea6a04b9675c03d3cb45e90a2f3c6da5fbda2c54ade040036de',
  },
  {
    path: 'vae/diffusion_pytorch_model.safetensors',
    from: 'vae/diffusion_pytorch_model.fp16.safetensors',
    bytes: 167_335_342,
    sha256: '4fbcf0ebe55a0984f5a5e00d8c4521d52359af7229bb4d81890039d2aa16dd7c',
  },
];

/** Small files whose hash at that commit nobody published: what they say is known, and is written down here instead of being fetched. */
const KNOWN: Readonly<Record<string, unknown>> = {
  'model_index.json': {
    _class_name: 'StableDiffusionPipeline',
    scheduler: ['diffusers', 'PNDMScheduler'],
    text_encoder: ['transformers', 'CLIPTextModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
  },
  'scheduler/scheduler_config.json': {
    _class_name: 'PNDMScheduler',
    beta_end: 0.012,
    beta_schedule: 'scaled_linear',
    beta_start: 0.00085,
    clip_sample: false,
    num_train_timesteps: 1000,
    prediction_type: 'epsilon',
    set_alpha_to_one: false,
    skip_prk_steps: true,
    steps_offset: 1,
    trained_betas: null,
  },
  // CLIP ViT-L/14's text half.
  'text_encoder/config.json': {
    architectures: ['CLIPTextModel'],
    hidden_act: 'quick_gelu',
    hidden_size: 768,
    intermediate_size: 3072,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    model_type: 'clip_text_model',
    num_attention_heads: 12,
    num_hidden_layers: 12,
    projection_dim: 768,
    vocab_size: 49408,
  },
};

/** Its files in the order of neededFiles. */
export async function sd15Manifest(): Promise<Manifest> {
  const hasher = await createSHA256();
  const known = Object.entries(KNOWN).map(([path, value]): ManifestFile => {
    const text = `${JSON.stringify(value, null, 2)}\n`;
    const bytes = new TextEncoder().encode(text);
    return { path, bytes: bytes.length, sha256: hasher.init().update(bytes).digest('hex'), text };
  });
  const place = ({ path }: ManifestFile) => neededFiles.indexOf(path);
  return { files: [...known, ...FETCHED].sort((a, b) => place(a) - place(b)) };
}
