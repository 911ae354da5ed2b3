// What a run may train, on Stable Diffusion 1.5's own config: modules and parameters as diffusers and kohya count them, and what the files say of it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kohyaMetadata } from '../../src/adapter/metadata.ts';
import { adapterTensorBytes } from '../../src/adapter/write.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import type { TensorSource } from '../../src/tensor/tensor-source.ts';
import { type Targets, targets } from '../../src/training/settings.ts';
import { namesOf } from '../../src/worker/engine-room.ts';
import { modulesOf } from '../../src/worker/unet-engines.ts';
import { settings } from '../training/toy-run.ts';

const config = parseUNetConfig(
  JSON.parse(readFileSync(new URL('../golden/configs/sd15-unet.json', import.meta.url), 'utf8')),
);
const sd15 = { config, tensors: {} as TensorSource, downscale: 8, sizes: [64] };

// kohya's networks.lora with network_dim 4: 192 modules; with conv_dim 4 these, 50 of 3×3, 22 time_emb_proj and 14 conv_shortcut.
test.each<[Targets, number, number, number, number]>([
  ['attention', 128, 797_184, 0, 0],
  ['linears', 192, 1_695_744, 32, 0],
  ['locon', 278, 4_203_264, 46, 50],
])('%s: %i modules, %i parameters at rank 4', (which, count, parameters, ones, threes) => {
  const modules = modulesOf(sd15, namesOf[which]);
  expect(modules.length).toBe(count);
  expect(adapterTensorBytes(modules, 4).diffusers).toBe(4 * parameters);
  const kernels = (width: number) => modules.filter(({ kernel }) => kernel === width).length;
  expect([kernels(1), kernels(3)]).toEqual([ones, threes]);
  if (which !== 'locon') return;
  const ending = (end: string) => modules.filter(({ name }) => name.endsWith(end)).length;
  expect([ending('.time_emb_proj'), ending('.conv_shortcut')]).toEqual([22, 14]);
});

test('kohya’s files name what conv_dim was asked for with LoCon, and nothing else with the others', () => {
  const run = { identifier: 'aawxbc', classNoun: 'figurine' };
  const args = targets.map((which) => {
    const metadata = kohyaMetadata(
      { ...run, settings: { ...settings, rank: 8, alpha: 4, targets: which } },
      null,
      3,
      10,
    );
    return JSON.parse(metadata.ss_network_args as string);
  });
  expect(args).toEqual([{}, {}, { conv_dim: '8', conv_alpha: '4' }]);
});
