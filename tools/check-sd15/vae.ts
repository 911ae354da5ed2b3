// The check's options in; the VAE on the engine, photo to latents and latents to picture, held against diffusers, and the bytes it took, out.
import { kernelsFor } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Vae } from '../../src/gpu/vae.ts';
import type { VaeHalf } from '../../src/gpu/vae-plan.ts';
import { readVaeConfig } from '../../src/model/vae-config.ts';
import { testDevice } from '../dawn.ts';
import { countLiveBytes } from '../live-bytes.ts';
import { Distance } from './errors.ts';
import { load } from './load.ts';
import type { Options } from './options.ts';
import { checkpoint, reference } from './prepare.ts';
import { type Row, row } from './row.ts';

const BARS = { f32: 1e-4, f16: 5e-3 };
/** GPU bytes of encoding a photo of 512², nothing else there. */
const MOST_BYTES = { f32: 0.55e9, f16: 0.3e9 };
/** 50 ms at 250 GFLOP/s. */
const MOST_DISPATCH_FLOPS = 12.5e9;

export async function vaeCheck(options: Options): Promise<{ rows: Row[]; report: object }> {
  const { activations, narrow, size } = options;
  const folder = await checkpoint(options);
  const { tensors: wanted, facts } = await reference(options);
  const seconds: Record<string, number> = {};
  const model = await load(options, folder, seconds);
  const device = await testDevice();
  const live = countLiveBytes(device);
  const vae = new Vae({
    config: readVaeConfig(await model.json('vae/config.json')),
    tensors: await model.tensors('vae/diffusion_pytorch_model.safetensors'),
    ...{ activations, pipelines: new Pipelines(device), lane: laneOf(device) },
    kernels: kernelsFor(options.kernels === 'registers'),
  });
  const side = size / vae.downscale;
  const rows: Row[] = [];
  const bytes: Record<string, number> = {};
  const half = async <T>(name: VaeHalf, work: () => Promise<T>): Promise<T> => {
    const { built } = vae.plan(name, side, side);
    const before = live.live;
    const began = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - began) / 1000;
    console.log(`  ${name}: ${seconds[name]?.toFixed(1)} s`);
    await vae.rest();
    bytes[name] = live.peak - before;
    const longest = Math.max(...(built.plans[name]?.dispatches.map((d) => d.launch.flops) ?? []));
    rows.push(
      row(`${name}: FLOPs of the largest dispatch`, longest, '≤', MOST_DISPATCH_FLOPS),
      row(`${name}: peak GPU bytes as planned`, built.bytes.total, '=', bytes[name] ?? 0),
    );
    return result;
  };
  const { mean, logVariance } = await half('encode', async () =>
    vae.encode(await wanted.float32('pixels'), size, size),
  );
  if (!narrow && size === 512)
    rows.push(row('encode: peak GPU bytes', bytes.encode ?? 0, '≤', MOST_BYTES[activations]));
  const { pixels, again } = await half('decode', async () => vae.decode(await wanted.float32('latents'), side, side));
  rows.push(row('pictures drawn again in f32', Number(again), '=', 0));
  const errors: Record<string, { relL2: number }> = {};
  for (const [key, got] of Object.entries({ mean, log_variance: logVariance, decoded: pixels })) {
    const { relL2 } = new Distance().add(got, await wanted.float32(key));
    errors[key] = { relL2 };
    rows.push(row(`${key}, rel. L2`, relL2, '≤', BARS[activations]));
  }
  return { rows, report: { options, errors, seconds, bytes, reference: facts } };
}
