// npm run plan -- --config FILE --size N …: what a training run would allocate and compute, as a table or JSON. No GPU is asked.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { enginePrograms, kernelsFor } from '../src/gpu/engine-plan.ts';
import type { WeightStorage } from '../src/gpu/engine-types.ts';
import { parseUNetConfig } from '../src/model/config.ts';
import { predictGraph } from '../src/model/graphs.ts';
import { largest, type Plan, plan } from '../src/plan/plan.ts';
import type { DType } from '../src/tensor/tensor.ts';

const HELP = `npm run plan -- --config FILE --size N [--rank N] [--activations f16|f32] [--weights f16|int8]
                [--recompute on|off|auto] [--memory MB] [--json FILE]

Plans a training run of a U-Net without a GPU and prints it as a table.
  --config FILE           a diffusers unet/config.json
  --size N                side of the picture, px
  --rank N                of the adapter (default 4)
  --activations f16|f32   how activations are stored (default f32)
  --weights f16|int8      how the base's weights are stored (default f16)
  --recompute on|off|auto gradient checkpointing: on forgets all it may; auto (default) only where the arena would grow past 256 MiB
  --memory MB             with auto: what the run may take in all (10⁶ bytes), for the least FLOPs
  --batch N               samples per step, as micro-steps of one (default 1)
  --json FILE             { bytes, flops, dispatches, largest } ("-": to the terminal)`;

const DEFAULT_BINDING_BYTES = 128 * 2 ** 20; // WebGPU's maxStorageBufferBindingSize

export interface PlanRequest {
  config: unknown; // config.json, parsed
  size: number; // side of the latents
  rank: number;
  activations: DType;
  weights?: WeightStorage; // default f16
  recompute: 'on' | 'off' | 'auto';
  batch: number;
  memoryBytes?: number; // with recompute 'auto'
}

/** What `--json` writes. `flops.forward` is without an adapter; `flops.step` is everything a step does, `flops.recomputed` what of it is done again. */
export function planReport(request: PlanRequest) {
  const config = parseUNetConfig(request.config);
  const shape = { config, height: request.size, width: request.size, activations: request.activations };
  const optimizer = {
    learningRates: new Float32Array([1e-4]), // constant: any number of steps
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 1e-2,
    clip: 1,
  };
  const { rank, recompute, batch: micro, weights: weightStorage = 'f16' } = request;
  const options = { ...shape, weightStorage, rank, alpha: rank, recompute, micro, optimizer };
  const { memoryBytes } = request;
  const free = enginePrograms(options, DEFAULT_BINDING_BYTES);
  const arenaBytes = memoryBytes === undefined ? undefined : memoryBytes - (free.bytes.total - free.bytes.arena);
  const built = arenaBytes === undefined ? free : enginePrograms({ ...options, arenaBytes }, DEFAULT_BINDING_BYTES);
  const target = { maxBindingBytes: DEFAULT_BINDING_BYTES, ...kernelsFor(false) };
  const base = predictGraph({ ...shape, batch: 1, rank: 0 });
  const forward = plan(base.graph, { target, lora: { offsets: new Map(), bytes: 0 } }).flops;
  const { train, update } = built.plans as { train: Plan; update: Plan };
  return {
    built,
    report: {
      bytes: built.bytes,
      flops: { forward, step: train.flops * request.batch, recomputed: train.recomputedFlops * request.batch },
      dispatches: train.dispatches.length * request.batch + update.dispatches.length,
      largest: largest(train),
    },
  };
}

export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      config: { type: 'string' },
      size: { type: 'string' },
      rank: { type: 'string', default: '4' },
      activations: { type: 'string', default: 'f32' },
      weights: { type: 'string', default: 'f16' },
      recompute: { type: 'string', default: 'auto' },
      batch: { type: 'string', default: '1' },
      memory: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const count = (name: 'size' | 'rank' | 'batch' | 'memory'): number => {
    const n = Number(values[name]);
    if (!Number.isInteger(n) || n < 1) throw new Error(`--${name} takes a whole number ≥ 1, got "${values[name]}"`);
    return n;
  };
  const oneOf = <T extends string>(name: 'activations' | 'weights' | 'recompute', allowed: readonly T[]): T => {
    const found = allowed.find((a) => a === values[name]);
    if (!found) throw new Error(`--${name} takes ${allowed.join(' or ')}, got "${values[name]}"`);
    return found;
  };
  if (values.help || !values.config || !values.size) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  try {
    const config: unknown = JSON.parse(await readFile(values.config, 'utf8'));
    const { built, report } = planReport({
      config,
      size: latentSide(count('size'), parseUNetConfig(config).blockOutChannels.length),
      rank: count('rank'),
      activations: oneOf('activations', ['f16', 'f32'] as const),
      weights: oneOf('weights', ['f16', 'int8'] as const),
      recompute: oneOf('recompute', ['on', 'off', 'auto'] as const),
      batch: count('batch'),
      ...(values.memory === undefined ? {} : { memoryBytes: count('memory') * 1e6 }),
    });
    if (values.json !== '-') console.log(table(built.plans, report));
    if (values.json === '-') console.log(JSON.stringify(report, null, 2));
    else if (values.json) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

/** Every VAE of the family makes one latent of 8 × 8 pixels, and every level of the U-Net but the last halves their side. */
function latentSide(px: number, levels: number): number {
  const steps = 8 * 2 ** (levels - 1);
  if (px % steps !== 0) throw new Error(`--size takes pixels in steps of ${steps} for this U-Net, got ${px}`);
  return px / 8;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2).padStart(10)} MB`;

function table(
  plans: Readonly<Record<string, Plan>>,
  { bytes, flops, dispatches, largest: tensors }: ReturnType<typeof planReport>['report'],
): string {
  const rows = Object.entries(plans).map(([name, p]) => {
    const arena = p.arena.slabBytes.reduce((a, b) => a + b, 0);
    return `  ${name.padEnd(10)} ${String(p.dispatches.length).padStart(6)} dispatches ${(p.flops / 1e9).toFixed(2).padStart(10)} GFLOP ${megabytes(arena)} arena`;
  });
  return [
    'GPU memory',
    ...Object.entries(bytes).map(([name, b]) => `  ${name.padEnd(10)} ${megabytes(b)}`),
    'Programs',
    ...rows,
    `A step: ${dispatches} dispatches, ${(flops.step / 1e9).toFixed(2)} GFLOP, of which ${(flops.recomputed / 1e9).toFixed(2)} recomputed; a forward pass without adapter ${(flops.forward / 1e9).toFixed(2)} GFLOP`,
    'Largest tensors of a training step',
    ...tensors.map((t) => `  ${megabytes(t.bytes)}  ${t.dtype} ${t.shape.join('×').padEnd(20)} ${t.name}`),
  ].join('\n');
}
