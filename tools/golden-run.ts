// A golden folder and a device → the engine's noise_pred, loss and LoRA gradients under the golden's keys, and how far each is from expected.
import { readAdapter } from '../src/adapter/read.ts';
import { createEngine } from '../src/gpu/create-engine.ts';
import type { EngineOptions } from '../src/gpu/engine-plan.ts';
import type { LoraModule, LoraWeights } from '../src/gpu/engine-types.ts';
import type { DType } from '../src/tensor/tensor.ts';
import type { GoldenFolder } from './golden-folder.ts';

export interface GoldenValues {
  key: string;
  shape: number[];
  values: Float32Array;
}

/** No training happens: the optimizer is there because gradients are. */
export const someOptimizer = {
  learningRates: new Float32Array(1),
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  clip: 0,
};

export async function runGolden(
  device: GPUDevice,
  golden: GoldenFolder,
  activations: DType,
  extra: Partial<EngineOptions> = {},
): Promise<GoldenValues[]> {
  const { batch, height, width } = golden.inputs;
  const probe = golden.lora.keys().find((k) => k.endsWith('.lora.down.weight') || k.endsWith('.lora_A.weight'));
  if (!probe)
    throw new Error(
      `${golden.name}/lora.safetensors: expected diffusers' keys (….lora.down.weight), got ${golden.lora.keys()[0] ?? 'none'}`,
    );
  const rank = golden.lora.shape(probe)[0] as number;
  const engine = await createEngine(device, {
    config: golden.config,
    weights: golden.weights,
    batch,
    height,
    width,
    rank,
    alpha: rank,
    activations,
    recompute: 'off',
    optimizer: someOptimizer,
    ...extra,
  });
  try {
    engine.writeLora((await readAdapter(golden.lora, engine.modules)).weights);
    const { timesteps, ...inputs } = golden.inputs;
    const { noisePred, loss, gradients } = await engine.gradients({
      ...inputs,
      timestep: timesteps[0] as number,
      timesteps,
    } as never);
    return [
      { key: 'noise_pred', shape: [batch, 4, height, width], values: noisePred },
      { key: 'loss', shape: [1], values: new Float32Array([loss]) },
      ...gradientValues(gradients, engine.modules, rank),
    ];
  } finally {
    engine.destroy();
  }
}

/** LoRA-shaped values under diffusers' file keys: `<prefix>unet.<module>.lora.{down,up}.weight`. */
export const gradientValues = (
  weights: LoraWeights,
  modules: readonly LoraModule[],
  rank: number,
  prefix = 'grad.',
): GoldenValues[] =>
  modules.flatMap(({ name, inFeatures, outFeatures }) => {
    const w = weights.get(name) as { down: Float32Array; up: Float32Array };
    return [
      { key: `${prefix}unet.${name}.lora.down.weight`, shape: [rank, inFeatures], values: w.down },
      { key: `${prefix}unet.${name}.lora.up.weight`, shape: [outFeatures, rank], values: w.up },
    ];
  });

/** Bars of the issue, by what a tensor is. f16: a single gradient may be 5e-2 off, all A or all B together 1e-2. */
export const BARS = {
  f32: { noise_pred: 1e-4, loss: 1e-4, gradient: 1e-3, together: 1e-3 },
  f16: { noise_pred: 5e-3, loss: 2e-3, gradient: 5e-2, together: 1e-2 },
} as const;

export interface Row {
  key: string;
  relL2: number;
  bar: number;
  passed: boolean;
}

/** ‖got − want‖ / ‖want‖; NaN for a reference that is all zeros (any code would pass) or for NaN anywhere. */
export function relativeL2(got: Float32Array, want: Float32Array): number {
  let error = got.length === want.length ? 0 : Number.NaN;
  let size = 0;
  want.forEach((w, i) => {
    error += ((got[i] as number) - w) ** 2;
    size += w ** 2;
  });
  return Math.sqrt(error / size);
}

/** One row for every expected key (a missing one fails), and one over all A and one over all B. */
export async function compare(
  golden: GoldenFolder,
  actual: readonly GoldenValues[],
  activations: DType,
): Promise<Row[]> {
  const bars = BARS[activations];
  const byKey = new Map(actual.map((a) => [a.key, a.values]));
  const rows: Row[] = [];
  const all: Record<'A' | 'B', { got: number[]; want: number[] }> = {
    A: { got: [], want: [] },
    B: { got: [], want: [] },
  };
  const add = (key: string, got: Float32Array, want: Float32Array, bar: number): void => {
    const relL2 = relativeL2(got, want);
    rows.push({ key, relL2, bar, passed: relL2 <= bar });
  };
  for (const key of golden.expected?.keys() ?? []) {
    const want = (await golden.expected?.float32(key)) as Float32Array;
    const got = byKey.get(key) ?? new Float32Array(want.length).fill(Number.NaN);
    add(key, got, want, key === 'noise_pred' || key === 'loss' ? bars[key] : bars.gradient);
    if (!key.startsWith('grad.')) continue;
    const set = all[/\.(down|lora_A)\.weight$/.test(key) ? 'A' : 'B'];
    for (const v of got) set.got.push(v);
    for (const v of want) set.want.push(v);
  }
  for (const name of ['A', 'B'] as const)
    if (all[name].want.length > 0)
      add(`all ${name}`, Float32Array.from(all[name].got), Float32Array.from(all[name].want), bars.together);
  return rows;
}
