// npm run fits: what of Stable Diffusion 1.5 can be trained in how much GPU memory, as the README's table, from the plan. No GPU is asked.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { WeightStorage } from '../src/gpu/engine-types.ts';
import { parseUNetConfig, type UNetConfig } from '../src/model/config.ts';
import { readVaeConfig, type VaeConfig } from '../src/model/vae-config.ts';
import type { Programs } from '../src/plan/programs.ts';
import { PLAIN, type TrainingSettings } from '../src/training/settings.ts';
import { pictureSpec, runSpec } from '../src/worker/engine-room.ts';
import { DEFAULT_LIMITS, planOf } from '../src/worker/unet-engines.ts';
import { vaeNeeds } from '../src/worker/vae-room.ts';

const HELP = `npm run fits [-- --write]

Prints what of Stable Diffusion 1.5 fits in 2, 4, 6 and 8 GB of GPU memory: the largest phase of a run of rank 4, batch 1, recompute auto,
on WebGPU's default limits.
  --write   puts the table into README.md`;

const CONFIGS = 'test/golden/configs';
const README = 'README.md';
const SIZES = [256, 384, 512];
const GIGABYTES = [2, 4, 6, 8];

export interface Sd15 {
  unet: UNetConfig;
  vae: VaeConfig;
}
export async function readSd15(): Promise<Sd15> {
  const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(`${CONFIGS}/${name}.json`, 'utf8'));
  return { unet: parseUNetConfig(await json('sd15-unet')), vae: readVaeConfig(await json('sd15-vae')) };
}

/** Bytes of GPU memory by phase; a picture is decoded beside its engine, and in its arena. */
export function needs({ unet: config, vae }: Sd15, size: number, weights: WeightStorage, activations: 'f16' | 'f32') {
  const settings: TrainingSettings = {
    ...PLAIN,
    ...{ steps: 500, batch: 1, accumulate: 1, learningRate: 1e-4, schedule: 'constant', warmupSteps: 0, clip: 1 },
    ...{ rank: 4, alpha: 4, seed: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2 },
    ...{
      keptAside: 1,
      heldOutDraws: 32,
      previewEvery: 100,
      previewSampler: 'ddim',
      previewSteps: 20,
      activations,
      recompute: 'auto',
    },
    ...{ resolution: size, weights },
  };
  const none = async () => new Float32Array();
  const files = { config, tensors: { keys: () => [], shape: () => [], float32: none }, downscale: 8, sizes: SIZES };
  const latents = { config: vae, height: size / 8, width: size / 8 };
  const decoded = (built: Programs): number =>
    built.bytes.total + vaeNeeds('decode', { ...latents, lent: built.slabBytes }, DEFAULT_LIMITS);
  const training = planOf(files, runSpec(settings), DEFAULT_LIMITS).built;
  const picture = decoded(planOf(files, pictureSpec({ size, weights }, settings.rank), DEFAULT_LIMITS).built);
  const encode = vaeNeeds('encode', latents, DEFAULT_LIMITS);
  const train = training.bytes.total;
  return { encode, train, preview: decoded(training), picture, peak: Math.max(encode, train, picture) };
}

/** The README's table, as Markdown. */
export function fitsTable(sd15: Sd15): string {
  const rows = SIZES.flatMap((size) =>
    (['f16', 'int8'] as const).flatMap((weights) =>
      (['f16', 'f32'] as const).map((activations) => {
        const { encode, train, preview, picture, peak } = needs(sd15, size, weights, activations);
        const fits = GIGABYTES.map((gb) => (peak <= gb * 1e9 ? 'yes' : '–'));
        return `| ${[`${size} px`, weights, activations, ...[encode, train, preview, picture].map(gigabytes), ...fits].join(' | ')} |`;
      }),
    ),
  );
  const head = [
    'size',
    'weights',
    'activations',
    'photos',
    'training',
    'preview',
    'a picture',
    ...GIGABYTES.map((gb) => `${gb} GB`),
  ];
  return [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`, ...rows].join('\n');
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/** The table in a text: the lines from its head to its last row. */
export const tableIn = (text: string): string =>
  /^\| size \| weights \|.*\n(?:\|.*\n)*/m.exec(text)?.[0].trimEnd() ?? '';

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { write: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const table = fitsTable(await readSd15());
  console.log(table);
  if (values.write) {
    const text = await readFile(README, 'utf8');
    await writeFile(
      README,
      text.replace(tableIn(text), () => table),
    );
  }
  return 0;
}
