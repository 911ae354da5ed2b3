// A U-Net golden (a folder as diffusers and tools/goldens write it) → what the engine needs to run it, and what it should give.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readSafetensors, type SafetensorsFile } from '../src/files/safetensors.ts';
import { parseUNetConfig, type UNetConfig } from '../src/model/config.ts';

export interface GoldenFolder {
  name: string;
  config: UNetConfig;
  weights: SafetensorsFile;
  lora: SafetensorsFile;
  inputs: {
    batch: number;
    height: number;
    width: number;
    sample: Float32Array;
    timesteps: number[];
    encoderHiddenStates: Float32Array;
    target: Float32Array;
  };
  expected: SafetensorsFile | undefined;
}

export const openSafetensors = async (path: string): Promise<SafetensorsFile> =>
  readSafetensors(new Uint8Array(await readFile(path)), basename(path));

/** The folder that holds config.json and the weights: `unet/`, or what `unet.ref` names from the repository's top. */
async function unetFolder(dir: string): Promise<string> {
  const ref = join(dir, 'unet.ref');
  return existsSync(ref) ? (await readFile(ref, 'utf8')).trim() : join(dir, 'unet');
}

/** A diffusers U-Net folder. */
export async function openUNet(folder: string): Promise<{ config: UNetConfig; weights: SafetensorsFile }> {
  const config = parseUNetConfig(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')));
  const file = (await readdir(folder)).filter((f) => f.endsWith('.safetensors')).sort()[0];
  if (!file) throw new Error(`${folder}: expected a .safetensors file beside config.json, there is none`);
  return { config, weights: await openSafetensors(join(folder, file)) };
}

/** torch's int64 timesteps as plain numbers. */
export async function timestepsOf(file: SafetensorsFile, key: string): Promise<number[]> {
  return Array.from(new BigInt64Array((await file.bytes(key)).buffer), Number);
}

export async function openGolden(dir: string): Promise<GoldenFolder> {
  const inputs = await openSafetensors(join(dir, 'inputs.safetensors'));
  const [batch, , height, width] = inputs.shape('sample') as [number, number, number, number];
  const expected = join(dir, 'expected.safetensors');
  return {
    name: basename(dir),
    ...(await openUNet(await unetFolder(dir))),
    lora: await openSafetensors(join(dir, 'lora.safetensors')),
    inputs: {
      batch,
      height,
      width,
      sample: await inputs.float32('sample'),
      timesteps: await timestepsOf(inputs, 'timestep'),
      encoderHiddenStates: await inputs.float32('encoder_hidden_states'),
      target: await inputs.float32('target'),
    },
    expected: existsSync(expected) ? await openSafetensors(expected) : undefined,
  };
}
