// What a file is that is no Stable Diffusion checkpoint, or no LoRA, in English: one sentence on what it is, one on what to do.
import type { TroubleFacts } from '../../trouble.ts';
import { count } from '../amounts.ts';

type NotOne = TroubleFacts['not-a-checkpoint'];

export const notACheckpoint: Record<NotOne['kind'], (file: string, name?: string) => [title: string, text: string]> = {
  inpainting: (file) => [
    `“${file}” is an inpainting model.`,
    'It fills holes in pictures and wants more than a prompt. Take the ordinary version of the same model.',
  ],
  'instruct-pix2pix': (file) => [
    `“${file}” edits pictures by instruction.`,
    'It was made from Stable Diffusion but draws only over another picture. Take the model it was made from.',
  ],
  depth: (file) => [
    `“${file}” is a depth model.`,
    'It draws only along a depth map. Take the ordinary version of the same model.',
  ],
  upscaler: (file) => [
    `“${file}” is an upscaler.`,
    'It draws a small picture larger. Take the model that drew the small one.',
  ],
  'image-prompt': (file) => [
    `“${file}” draws after a picture.`,
    'It was made from Stable Diffusion but wants a picture where others want words. Take the model it was made from.',
  ],
  video: (file) => [
    `“${file}” draws moving pictures.`,
    'Darkroom trains single ones. Choose a Stable Diffusion 1.x or 2.x checkpoint.',
  ],
  sdxl: (file, name = 'Stable Diffusion XL') => [
    `“${file}” is ${name}.`,
    'Three times the size and built differently. Darkroom trains Stable Diffusion 1.x and 2.x: choose one of those.',
  ],
  'newer-family': (file, name = 'a newer kind of model') => [
    `“${file}” is ${name}.`,
    'Stable Diffusion 3, FLUX and their like have no U-Net. Choose a Stable Diffusion 1.x or 2.x checkpoint.',
  ],
  lora: (file) => [
    `“${file}” is a LoRA, not a whole model.`,
    'It is laid over a model and cannot draw alone. Under Compare it can be tried.',
  ],
  controlnet: (file) => [
    `“${file}” is a ControlNet.`,
    'It steers a model and cannot draw alone. Choose the checkpoint it was made for.',
  ],
  'textual-inversion': (file) => [
    `“${file}” is a textual inversion.`,
    'It holds a word or two for a model. Choose the checkpoint it was made for.',
  ],
  pickle: (file) => [
    `“${file}” is a pickle file (.ckpt, .pt).`,
    'Such a file can run programs when it is opened, so it is not. Most models are offered as .safetensors too: choose that.',
  ],
  gguf: (file) => [
    `“${file}” is a GGUF file.`,
    'Its weights were squeezed for drawing only. Choose the .safetensors file it was made from.',
  ],
  incomplete: (file) => [
    `“${file}” holds only a part of a model.`,
    'U-Net, text encoder and VAE are needed. Choose the full checkpoint, or the whole diffusers folder.',
  ],
  links: (file) => [
    `${file ? `“${file}”` : 'The folder'} holds no files, or only links.`,
    'Browsers do not follow links. Of Hugging Face’s cache choose the folder above, “models--…”; or download with --local-dir.',
  ],
  several: (file) => [
    `“${file}” holds more than one model.`,
    'Or more than one version of it, and nothing tells which is meant. Choose the folder or the file of one.',
  ],
  unknown: (file) => [
    `“${file}” is not a Stable Diffusion checkpoint.`,
    'Choose a .safetensors file of the 1.x or 2.x family, or a diffusers folder.',
  ],
};

type NoAdapter = TroubleFacts['not-an-adapter'];
const otherWay = 'It changes a model in another way. Choose a plain LoRA, or a LoCon.';
const otherFamily = 'It fits no other model. Choose one made for the 1.x or 2.x family.';

export const notAnAdapter: Record<NoAdapter['kind'], (file: string) => [title: string, text: string]> = {
  checkpoint: (file) => [
    `“${file}” is a whole model (a checkpoint), not a LoRA.`,
    'It can be taken in as a model; LoRA files are then laid over it.',
  ],
  controlnet: (file) => [`“${file}” is a ControlNet, not a LoRA.`, 'It steers a model. Choose a LoRA file.'],
  'textual-inversion': (file) => [
    `“${file}” is a textual inversion, not a LoRA.`,
    'It holds a word or two for a model. Choose a LoRA file.',
  ],
  dora: (file) => [`“${file}” is a DoRA, not a plain LoRA.`, otherWay],
  loha: (file) => [`“${file}” is a LoHa, not a plain LoRA.`, otherWay],
  lokr: (file) => [`“${file}” is a LoKr, not a plain LoRA.`, otherWay],
  oft: (file) => [`“${file}” is an OFT adapter, not a plain LoRA.`, otherWay],
  ia3: (file) => [`“${file}” is an (IA)³ adapter, not a plain LoRA.`, otherWay],
  'full-difference': (file) => [`“${file}” holds whole weights, not a plain LoRA.`, otherWay],
  sdxl: (file) => [`“${file}” is a LoRA for Stable Diffusion XL.`, otherFamily],
  flux: (file) => [`“${file}” is a LoRA for FLUX or a relative of it.`, otherFamily],
  'newer-family': (file) => [`“${file}” is a LoRA for a newer family of models.`, otherFamily],
  'other-adapter': (file) => [
    `“${file}” holds more than a plain LoRA.`,
    'What else is in it could not be applied, so nothing of it is. Choose a plain LoRA, or a LoCon.',
  ],
  'text-only': (file) => [
    `“${file}” changes only the text encoder.`,
    'Darkroom applies what a LoRA changes in the U-Net, and this one changes nothing there. Choose another.',
  ],
  pickle: (file) => [
    `“${file}” is a pickle file (.ckpt, .pt).`,
    'Such a file can run programs when it is opened, so it is not. Choose the .safetensors of the same LoRA.',
  ],
  gguf: (file) => [`“${file}” is a GGUF file, not a LoRA.`, 'Choose a .safetensors file.'],
  unknown: (file) => [`“${file}” is not a LoRA.`, 'Choose a .safetensors file with LoRA weights for this model.'],
};

/** A model whose weights nothing can be done with: which tensor says so, and how many of its values. */
export function brokenWeights({
  file,
  tensor,
  found,
  count: n,
}: TroubleFacts['broken-weights']): [title: string, text: string] {
  const what = { nan: 'not a number', infinite: 'infinite', 'too-large': 'too large for 16 bits' }[found];
  return [
    `“${file}” has broken weights.`,
    `${n === 1 ? 'One value' : `${count(n)} values`} of “${tensor}” ${n === 1 ? 'is' : 'are'} ${what}: nothing could be drawn or trained with it. Choose another copy or version.`,
  ];
}
