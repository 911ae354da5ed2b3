// In: --out DIR and --alpha N. Out: the demo golden's LoRA as our own code writes it: DIR/adapter.safetensors (kohya) and DIR/adapter.diffusers.safetensors.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { demoBaseModel } from '../../src/adapter/base-model.ts';
import { kohyaMetadata, withoutNetwork } from '../../src/adapter/metadata.ts';
import { writeDiffusers, writeKohya } from '../../src/adapter/write.ts';
import { PLAIN, type TrainingSettings } from '../../src/training/settings.ts';
import { root } from '../packages.mjs';
import { loraOf } from './lora-file.ts';

const SETTINGS: TrainingSettings = {
  ...PLAIN,
  steps: 300,
  batch: 1,
  accumulate: 1,
  learningRate: 1e-3,
  schedule: 'constant',
  warmupSteps: 0,
  clip: 1,
  rank: 0,
  alpha: 0,
  seed: 42,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 1e-2,
  keptAside: 1,
  heldOutDraws: 32,
  previewEvery: 100,
  previewSampler: 'dpm++2m',
  previewSteps: 20,
  activations: 'f32',
  recompute: 'off',
  resolution: 128,
  weights: 'f16',
};

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { out: { type: 'string' }, alpha: { type: 'string' } } });
  if (!values.out || !values.alpha) throw new Error('write-adapters wants --out DIR and --alpha N');
  const golden = join(root, 'test/golden/unet/demo/lora.safetensors');
  const { modules, rank, weights } = await loraOf(readFileSync(golden), golden);
  const scale = { rank, alpha: Number(values.alpha) };
  const run = {
    identifier: 'aawxbc',
    classNoun: 'figurine',
    settings: { ...SETTINGS, ...scale },
    startedAt: Date.UTC(2026, 0, 1),
  };
  mkdirSync(values.out, { recursive: true });
  const metadata = kohyaMetadata(run, demoBaseModel, 8, 300);
  writeFileSync(join(values.out, 'adapter.safetensors'), await writeKohya(weights, modules, scale, metadata));
  writeFileSync(
    join(values.out, 'adapter.diffusers.safetensors'),
    writeDiffusers(weights, modules, scale, withoutNetwork(metadata)),
  );
  return 0;
}
