// Canonical files read whole, a tokenizer, and a golden's tensors as a diffusers folder, for the tests of checkpoints.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CanonicalFile } from '../../src/files/checkpoint/canonical-file.ts';
import { bytesPerElement } from '../../src/files/dtypes.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import { count, type GoldenComponent, goldenData, type LdmGolden } from './ldm-golden.ts';

const demo = join(import.meta.dirname, '../../public/models/demo');
export const demoFile = (path: string): Blob => new Blob([readFileSync(join(demo, path))]);
export const tokenizer = async () => ({
  vocab: demoFile('tokenizer/vocab.json'),
  merges: demoFile('tokenizer/merges.txt'),
});

export async function bytesOf(file: CanonicalFile): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(file.bytes);
  let at = 0;
  for await (const chunk of file.chunks()) {
    out.set(chunk, at); // throws where there is more than it said
    at += chunk.length;
  }
  if (at !== file.bytes) throw new Error(`${file.path}: ${at} bytes came, ${file.bytes} were promised`);
  return out;
}

/** A component's tensors as a diffusers file has them: the golden's data under diffusers' names. */
export function componentTensors(golden: LdmGolden, component: GoldenComponent): TensorToWrite[] {
  return [...golden.made[component]].map(([name, { shape, source, part }]) => {
    const { dtype, shape: whole, index } = golden.ldm.get(source)!;
    const data = goldenData(index, whole, dtype);
    const bytes = count(shape) * bytesPerElement[dtype];
    return { name, dtype, shape, data: data.slice((part ?? 0) * bytes, ((part ?? 0) + 1) * bytes) };
  });
}

export const FILE_NAMES = {
  unet: 'unet/diffusion_pytorch_model.safetensors',
  vae: 'vae/diffusion_pytorch_model.safetensors',
  text_encoder: 'text_encoder/model.safetensors',
} as const;

export const json = (value: unknown): Blob => new Blob([JSON.stringify(value)]);
export const tensorsFile = (tensors: readonly TensorToWrite[]): Blob => new Blob([writeSafetensors(tensors)]);
