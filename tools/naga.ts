// npm run naga: every WGSL module that a plan of the demo's or of Stable Diffusion's U-Net and VAE can ask for in, through naga (Python's wgpu); its exit code out.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { enginePrograms, kernelsFor } from '../src/gpu/engine-plan.ts';
import { pipelineKey, shaderFile, wgsl } from '../src/gpu/shader.ts';
import { LEAST_DISPATCH_FLOPS } from '../src/gpu/speed.ts';
import { vaePrograms } from '../src/gpu/vae-plan.ts';
import { parseUNetConfig } from '../src/model/config.ts';
import { readVaeConfig } from '../src/model/vae-config.ts';
import type { Plan } from '../src/plan/plan.ts';
import { findPython } from './python.ts';

interface Module {
  name: string;
  entry: string;
  code: string;
}
/** Configs with the sides of their latents. */
const UNETS = [
  ['public/models/demo/unet/config.json', [8, 16]],
  ['test/golden/configs/sd15-unet.json', [32, 48, 64]],
] as const;
const VAES = [
  ['public/models/demo/vae/config.json', [8, 16]],
  ['test/golden/configs/sd15-vae.json', [32, 64]],
] as const;
const optimizer = {
  learningRates: new Float32Array([1e-4]),
  ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, clip: 1 },
};

/** By pipeline: activations and weights in every storage, ranks odd and even, both optimizers, kernels for GPUs and for software. */
export async function allModules(): Promise<Module[]> {
  const modules = new Map<string, Module>();
  const add = (plans: Readonly<Record<string, Plan>>): void => {
    for (const { launch } of Object.values(plans).flatMap((p) => p.dispatches)) {
      const key = pipelineKey(launch);
      if (!modules.has(key)) modules.set(key, { name: key, entry: launch.entry, code: wgsl(launch) });
    }
  };
  for (const [file, sides] of UNETS) {
    const config = parseUNetConfig(JSON.parse(await readFile(file, 'utf8')));
    for (const side of sides)
      for (const activations of ['f32', 'f16'] as const)
        for (const weightStorage of ['f16', 'int8'] as const)
          for (const [software, rank] of [
            [false, 4],
            [true, 5],
          ] as const) {
            const shape = { config, height: side, width: side, rank, alpha: rank, activations, weightStorage };
            const kernels = kernelsFor(software, LEAST_DISPATCH_FLOPS);
            const bits = software ? 8 : 32;
            const asked = { ...shape, optimizer: { ...optimizer, bits }, kernels, recompute: 'off' } as const;
            add(enginePrograms(asked, 2 ** 30).plans);
          }
  }
  for (const [file, sides] of VAES) {
    const config = readVaeConfig(JSON.parse(await readFile(file, 'utf8')));
    for (const side of sides)
      for (const activations of ['f32', 'f16'] as const)
        for (const software of [false, true])
          for (const half of ['encode', 'decode'] as const) {
            const kernels = kernelsFor(software, LEAST_DISPATCH_FLOPS);
            add(vaePrograms(half, { config, height: side, width: side }, activations, kernels, 2 ** 30).plans);
          }
  }
  return [...modules.values(), { name: 'quantise', entry: 'quantise', code: shaderFile('quantise') }];
}

export async function main(): Promise<number> {
  const python = findPython('wgpu');
  if (!python) {
    const strict = process.env.CI === 'true';
    console.log('Left out: no Python with wgpu (tools/requirements.txt)');
    console.log(strict ? '0 passed, 1 failed' : '0 passed, 0 failed, 1 skipped');
    return strict ? 1 : 0;
  }
  const modules = await allModules();
  console.log(`${modules.length} modules through naga: its front end, validation and SPIR-V (not HLSL, not Metal)`);
  const { status } = spawnSync(python, ['tools/naga/check.py'], {
    input: JSON.stringify(modules),
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  return status ?? 1;
}
