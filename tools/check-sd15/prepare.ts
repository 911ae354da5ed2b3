// The check's options in; the random checkpoint and what diffusers makes of it, out. Made by Python once and kept; Python has ended by then.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors, type SafetensorsFile } from '../../src/files/safetensors.ts';
import { findPython, NO_PYTHON, runPython } from '../python.ts';
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

const modelName = ({ narrow, heavy }: Pick<Options, 'narrow' | 'heavy'>): string =>
  `${narrow ? 'narrow' : 'full'}${heavy ? '-heavy' : ''}`;

/** The folder of a checkpoint in the given layout; the same seed makes the same tensors in both. */
export function checkpoint(options: Options, layout: Options['layout'] = options.layout): string {
  const folder = join(options.folder, `${modelName(options)}${layout === 'ldm' ? '-ldm' : ''}`);
  const words = [...(options.narrow ? ['--narrow'] : []), ...(options.heavy ? ['--heavy'] : [])];
  if (!existsSync(join(folder, 'manifest.json')))
    run(`making the checkpoint ${folder}`, 'sd15/make.py', [folder, '--layout', layout, ...words]);
  return folder;
}

/** What the same Python computes in f32 from the diffusers folder: of the U-Net, or of the encoders. */
export async function reference(options: Options): Promise<Reference> {
  const { size, encoders } = options;
  const out = join(options.folder, `${modelName(options)}-${encoders ? 'encoders-' : ''}${size}`);
  if (!existsSync(`${out}.json`)) {
    const words = ['--size', String(size), ...(encoders ? ['--encoders'] : [])];
    run(`the reference ${out}`, 'sd15/reference.py', [checkpoint(options, 'diffusers'), out, ...words]);
  }
  const facts = JSON.parse(await readFile(`${out}.json`, 'utf8')) as ReferenceFacts;
  const file = `${out}.safetensors`;
  return { facts, tensors: await readSafetensors(new Uint8Array(await readFile(file)), file) };
}

function run(what: string, program: string, args: string[]): void {
  const python = findPython();
  if (!python) throw new Error(NO_PYTHON);
  console.log(`${what} …`);
  if (runPython(python, program, args) !== 0) throw new Error(`${what}: tools/${program} ${args.join(' ')} failed`);
}
