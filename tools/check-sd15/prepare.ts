// The check's options in; the random checkpoint and what diffusers makes of it, out. Made by Python once and kept; Python has ended by then.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type SafetensorsFile } from '../../src/files/safetensors.ts';
import { root } from '../packages.mjs';
import { ensurePython, runPython } from '../python.ts';
import type { Options } from './options.ts';

/** `NAME.json` of tools/sd15/reference.py. */
export interface ReferenceFacts {
  versions: Record<string, string>;
  seed: number;
  size: number;
  rank: number;
  seconds: Record<string, number>;
  flops?: number; // of a forward, as torch counts them
  prompts?: string[];
}
export interface Reference {
  facts: ReferenceFacts;
  tensors: SafetensorsFile;
}

/** The one file of the LDM layout, as tools/sd15/make.py names it. */
export const SINGLE = 'v1-5-random.safetensors';

const modelName = ({ narrow, heavy }: Pick<Options, 'narrow' | 'heavy'>): string =>
  `${narrow ? 'narrow' : 'full'}${heavy ? '-heavy' : ''}`;

/** The folder of a checkpoint in the given layout; the same seed makes the same tensors in both. */
export async function checkpoint(options: Options, layout: Options['layout'] = options.layout): Promise<string> {
  const folder = join(options.folder, `${modelName(options)}${layout === 'ldm' ? '-ldm' : ''}`);
  const words = [...(options.narrow ? ['--narrow'] : []), ...(options.heavy ? ['--heavy'] : [])];
  const programs = ['sd15/make.py', 'sd15/model_configs.py', ...(layout === 'ldm' ? ['sd15/ldm_layout.py'] : [])];
  await made(folder, programs, [folder, '--layout', layout, ...words]);
  return folder;
}

/** What the same Python computes in f32 from the diffusers folder: of the U-Net, or of the encoders. */
export async function reference(options: Options): Promise<Reference> {
  const { size } = options;
  const encoders = options.encoders || options.vae;
  const folder = await checkpoint(options, 'diffusers');
  const out = join(options.folder, `${modelName(options)}-${encoders ? 'encoders-' : ''}${size}`);
  const words = ['--size', String(size), ...(encoders ? ['--encoders'] : [])];
  await made(out, ['sd15/reference.py', 'sd15/make.py', 'sd15/model_configs.py'], [folder, out, ...words]);
  const facts = JSON.parse(await readFile(`${out}.json`, 'utf8')) as ReferenceFacts;
  const file = `${out}.safetensors`;
  return { facts, tensors: await readSafetensors(new Uint8Array(await readFile(file)), file) };
}

/** Runs the first of `programs` unless what it made is here already and none of them was changed since. */
async function made(what: string, programs: readonly string[], args: string[]): Promise<void> {
  const hash = createHash('sha256').update(args.join(' '));
  for (const program of programs) hash.update(await readFile(join(root, 'tools', program)));
  const digest = hash.digest('hex');
  const stamp = `${what}.made`;
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === digest) return;
  const python = ensurePython();
  console.log(`making ${what} …`);
  const program = programs[0] as string;
  if (runPython(python, program, args) !== 0) throw new Error(`tools/${program} ${args.join(' ')} failed`);
  await writeFile(stamp, digest); // last: what was left half done has none
}
