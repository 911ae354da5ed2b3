// A small U-Net over a fake device: habits in; an engine, its device and inputs for it out. Plans are made once, as they take longest.
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import type { EngineOptions } from '../../src/gpu/engine-plan.ts';
import type { MicroStep } from '../../src/gpu/engine-types.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import type { TensorSource } from '../../src/tensor/tensor-source.ts';
import type { EncodedPhoto, TrainingSet } from '../../src/training/examples.ts';
import { normal } from '../check.ts';
import { constants, FakeDevice } from './device.ts';
import { type Habits, HONEST } from './habits.ts';
import { FakeTime } from './time.ts';

/** The smallest U-Net that has attention, a way down and a way up. */
export const config = parseUNetConfig({
  ...{ _class_name: 'UNet2DConditionModel', in_channels: 4, out_channels: 4, sample_size: 8, layers_per_block: 1 },
  ...{ block_out_channels: [8, 16], cross_attention_dim: 8, attention_head_dim: 2, norm_num_groups: 4, norm_eps: 1e-5 },
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
  ...{ act_fn: 'silu', flip_sin_to_cos: true, freq_shift: 0, mid_block_type: 'UNetMidBlock2DCrossAttn' },
});
export const SIDE = 8;

/** Weights that are there by name and shape: their values are all the same. */
export function weightsFor(shapes: ReadonlyMap<string, { shape: readonly number[] }>): TensorSource {
  const shape = (name: string): number[] => {
    const s = shapes.get(name)?.shape ?? [];
    return s.length === 4 ? [s[0] as number, s[3] as number, 3, 3] : [...s];
  };
  const values = (name: string): Float32Array => new Float32Array(shape(name).reduce((a, b) => a * b, 1)).fill(0.5);
  return { keys: () => [...shapes.keys()], shape, float32: async (name) => values(name) };
}

export const optimizer = {
  learningRates: new Float32Array([1e-3]),
  ...{ beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, clip: 1 },
};
export const engineOptions: Omit<EngineOptions, 'weights'> = {
  ...{
    config,
    height: SIDE,
    width: SIDE,
    rank: 2,
    alpha: 2,
    activations: 'f32',
    recompute: 'off',
    micro: 1,
    optimizer,
  },
};

export const example = (seed: number): MicroStep => ({
  sample: Float32Array.from(normal(4 * SIDE * SIDE, seed)),
  target: Float32Array.from(normal(4 * SIDE * SIDE, seed + 1)),
  encoderHiddenStates: Float32Array.from(normal(77 * 8, seed + 2)),
  timestep: (seed * 37) % 1000,
});

const photo = (name: string, seed: number): EncodedPhoto => ({
  name,
  mean: Float32Array.from(normal(4 * SIDE * SIDE, seed)),
  logVariance: new Float32Array(4 * SIDE * SIDE).fill(-2),
  encoderHiddenStates: Float32Array.from(normal(77 * 8, seed + 1)),
});
/** Two photos and one kept aside, as the U-Net takes them. */
export const trainingSet: TrainingSet = {
  ...{ photos: [photo('a', 100), photo('b', 110)], keptAside: [photo('c', 120)] },
  ...{ instancePrompt: Float32Array.from(normal(77 * 8, 130)), emptyPrompt: Float32Array.from(normal(77 * 8, 131)) },
  scalingFactor: 0.5,
  schedule: noiseSchedule({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' }),
};

/** A device with these habits in a time of its own; `end` puts the globals back. */
export function fakeDevice(habits: Partial<Habits> = {}) {
  Object.assign(globalThis, constants);
  const time = new FakeTime();
  const device = new FakeDevice(time, { ...HONEST, ...habits });
  return { time, device, end: time.install() };
}
