// The names (and first shapes) of a file's tensors in; Trouble 'not-a-checkpoint' naming what it is, when it is no Stable Diffusion 1 or 2, out.
import { Trouble, type TroubleFacts } from '../../trouble.ts';

export type Kind = TroubleFacts['not-a-checkpoint']['kind'];

const WORDS: Readonly<Record<Kind, string>> = {
  inpainting: 'an inpainting model',
  'instruct-pix2pix': 'an InstructPix2Pix model',
  depth: 'a depth-to-image model',
  upscaler: 'an upscaler',
  'image-prompt': 'a model that draws after a picture',
  video: 'a model of moving pictures',
  sdxl: 'a Stable Diffusion XL model',
  'newer-family': 'a model of a newer family',
  lora: 'a LoRA adapter, not a model',
  controlnet: 'a ControlNet',
  'textual-inversion': 'a textual inversion',
  pickle: 'a pickle, which could run any program: look for the .safetensors of the same model',
  gguf: 'a GGUF file',
  incomplete: 'only a part of a model',
  links: 'a folder without files: it is empty, or holds only links, which a browser does not follow',
  several: 'more than one model',
  unknown: 'no model we know',
};

export const notACheckpoint = (file: string, kind: Kind, detail: string, name?: string): Trouble<'not-a-checkpoint'> =>
  new Trouble(
    'not-a-checkpoint',
    { file, kind, detail, ...(name === undefined ? {} : { name }) },
    `${file} is ${name ?? WORDS[kind]} (${detail}). Take a Stable Diffusion 1 or 2 checkpoint: a .safetensors file or a diffusers folder.`,
  );

const SD3 = 'Stable Diffusion 3';
const FLUX = 'FLUX';
const REFINER = 'the refiner of Stable Diffusion XL';

/** What gives a kind away, in the order in which it is asked: the first match names the file. */
const SIGNS: readonly (readonly [Kind, RegExp])[] = [
  ['lora', /(^|[._])lora[._](unet|te\d?|down|up|A|B|linear_layer)([._]|$)|\.(hada_w\d_[ab]|lokr_w\d\w*)$|^lora_/],
  [
    'video',
    /(^|[._])(time_stack|time_mix_blocks?|motion_modules|temporal_transformer_blocks|temp_convs|temp_attentions)[._]/,
  ],
  ['image-prompt', /^(embedder\.model\.visual|noise_augmentor|cond_stage_model\.model\.visual)\./],
  ['upscaler', /^low_scale_model\.|^(model\.diffusion_model\.label_emb|class_embedding)\.weight$/],
  ['controlnet', /^(control_model|controlnet_\w+|input_hint_block)\./],
  [
    'sdxl',
    /^conditioner\.embedders\.|^(model\.diffusion_model\.)?(label_emb\.0\.0|add_embedding\.linear_1)\.|\.transformer_blocks\.1\./,
  ],
  [
    'newer-family',
    /(^|\.)(joint_blocks|double_blocks|single_blocks|double_layers|joint_transformer_blocks|x_embedder|img_in|patch_embed\w*|cap_embedder|context_embedder|pos_embed|txtfusion|txt_in|text_encoders)\.|^(model\.diffusion_model\.)?(blocks|transformer_blocks|layers)\.0\./,
  ],
  ['textual-inversion', /^(emb_params|string_to_param\..*|clip_[gl]|<[^>]*>)$/],
];

/** Whether these are an adapter's tensors. */
export const isLora = (keys: readonly string[]): boolean => keys.some((key) => SIGNS[0]![1].test(key));

/** Families that people know by name, by tensors that no other has. What has one of the first tensors is a relative of some FLUX, not one. */
const NAMED: readonly (readonly [string | undefined, RegExp])[] = [
  [undefined, /(^|\.)(distilled_guidance_layer|individual_token_refiner)\./],
  [FLUX, /(^|\.)double_blocks\.\d+\.img_attn\./],
  [SD3, /(^|\.)joint_blocks\.\d+\./],
];

/** Refuses what one of its tensors' names gives away. */
export function refuseByNames(file: string, keys: readonly string[]): void {
  const found = kindOfNames(keys);
  if (found) throw notACheckpoint(file, found.kind, `it has “${found.key.slice(0, 80)}”`, familyName(found.kind, keys));
}

function familyName(kind: Kind, keys: readonly string[]): string | undefined {
  if (kind === 'newer-family') return NAMED.find(([, sign]) => keys.some((key) => sign.test(key)))?.[0];
  const embedders = keys.filter((key) => key.startsWith('conditioner.embedders.'));
  // The refiner reads texts with the second of XL's two encoders only, which has another layout than the first.
  const one = embedders.length > 0 && embedders.every((key) => key.startsWith('conditioner.embedders.0.model.'));
  return kind === 'sdxl' && one ? REFINER : undefined;
}

/** diffusers' pipelines of other kinds. A name that is not here says nothing: many of them run an ordinary Stable Diffusion. */
const PIPELINES: readonly (readonly [RegExp, Kind, string?])[] = [
  [/Video|AnimateDiff|Text2Video/, 'video'],
  [/^StableDiffusion3/, 'newer-family', SD3],
  [/^Flux/, 'newer-family', FLUX],
  [/^StableDiffusionXLImg2Img/, 'sdxl', REFINER],
  [/^StableDiffusionXL|^SDXL/, 'sdxl'],
  [/Upscale/, 'upscaler'],
  [/InstructPix2Pix/, 'instruct-pix2pix'],
  [/Depth2Img/, 'depth'],
  [/ImageVariation|UnCLIP|Zero123/i, 'image-prompt'],
];

/** Refuses a folder by its model_index.json and unet/config.json, before a weight of it is looked at. */
export function refuseByConfigs(
  folder: string,
  index: Readonly<Record<string, unknown>> | null,
  unet: Readonly<Record<string, unknown>> | null,
): void {
  const pipeline = String(index?._class_name ?? '');
  const [, kind, name] = PIPELINES.find(([sign]) => sign.test(pipeline)) ?? [];
  // The refiner's pipeline also runs the whole XL, which has two text encoders.
  const whole = Array.isArray(index?.text_encoder) && typeof index.text_encoder[0] === 'string';
  const detail = `its model_index.json says ${pipeline}`;
  if (kind) throw notACheckpoint(folder, kind, detail, name === REFINER && whole ? undefined : name);
  if (typeof unet?.in_channels === 'number') refuseByInputs(folder, [0, unet.in_channels]);
}

const PARTS: readonly (readonly [string, RegExp])[] = [
  ['a U-Net', /^(down_blocks\.0\.resnets\.0|input_blocks\.1\.0|model\.diffusion_model|diffusion_model)\./],
  ['a VAE', /^(first_stage_model\.)?(encoder|decoder)\.(down|up|mid|down_blocks|up_blocks|mid_block)\./],
  [
    'a text encoder',
    /^(cond_stage_model\.|text_model\.|embeddings\.token_embedding|token_embedding|transformer\.resblocks)/,
  ],
];

/** Refuses a file without the three parts that training needs: as a part alone, or as something unknown. */
export function refuseParts(file: string, keys: readonly string[], missing: string): Trouble<'not-a-checkpoint'> {
  const has = partsIn(keys);
  if (has.length > 0) return notACheckpoint(file, 'incomplete', `it has ${has.join(' and ')} but not ${missing}`);
  const some = keys.slice(0, 3).map((key) => `“${key.slice(0, 60)}”`);
  return notACheckpoint(file, 'unknown', keys.length > 0 ? `it has ${some.join(', ')}` : 'it has no tensors');
}

/** What the first bytes give away, whatever the file is called; null: it may be a safetensors file. */
export function kindOfBytes(head: Uint8Array): { kind: 'gguf' | 'pickle'; detail: string } | null {
  const [a, b] = head;
  const text = String.fromCharCode(...head.subarray(0, 4));
  if (text === 'GGUF') return { kind: 'gguf', detail: 'it begins with “GGUF”' };
  if (text === 'PK\x03\x04') return { kind: 'pickle', detail: 'a zip archive, as PyTorch writes it' };
  // A protocol number of 2 to 5. A safetensors file with a header of 128 + 256 · (2…5) bytes begins with these two bytes, too.
  const pickle = a === 0x80 && b !== undefined && b >= 2 && b <= 5 && head.subarray(4, 8).some((byte) => byte !== 0);
  return pickle ? { kind: 'pickle', detail: 'it begins as a Python pickle' } : null;
}

/** The kind that one of the tensors' names gives away, and that name. */
export function kindOfNames(keys: readonly string[]): { kind: Kind; key: string } | null {
  for (const [kind, sign] of SIGNS) {
    const key = keys.find((name) => sign.test(name));
    if (key !== undefined) return { kind, key };
  }
  return null;
}

/** Which parts of a whole model are in a file. */
export const partsIn = (keys: readonly string[]): string[] =>
  PARTS.filter(([, sign]) => keys.some((key) => sign.test(key))).map(([name]) => name);

const INPUTS: Readonly<Record<number, Kind>> = { 5: 'depth', 8: 'instruct-pix2pix', 9: 'inpainting' };

/** The U-Net's first convolution tells what it is given: 4 channels of latents, or more. */
export function refuseByInputs(file: string, shape: readonly number[] | undefined): void {
  const channels = shape?.[1];
  if (channels === undefined || channels === 4) return;
  throw notACheckpoint(file, INPUTS[channels] ?? 'unknown', `its U-Net takes ${channels} channels, not 4`);
}
