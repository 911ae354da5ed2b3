// speed: a device and the kernels it will run in, how fast a matrix product is there out; from it, how long a dispatch may be.
import { Graph } from '../graph/graph.ts';
import type { KernelChoice } from '../graph/op.ts';
import { linear } from '../ops/linear.ts';
import { plan } from '../plan/plan.ts';
import { dimsTable } from '../plan/programs.ts';
import { MAX_DISPATCH_FLOPS } from './engine-plan.ts';
import { laneOf } from './lane.ts';
import type { Pipelines } from './pipelines.ts';
import { Program } from './program.ts';
import { replays } from './replays.ts';
import { measure, type Products, type Speed } from './stopwatch.ts';

/** What a dispatch may take where the adapter allows. */
const DISPATCH_MS = 50;
/** Sides of the products, smallest first: 4 MFLOP, which is a millisecond on a software adapter, to 2.1 GFLOP. */
const SIDES = [128, 256, 512, 1024] as const;
/**
 * Less is not asked for: 50 ms at 4 GFLOP/s, a software adapter's speed. A product is split into bands of rows, so one row of tiles is the
 * least it can be: 3.8 GFLOP for Stable Diffusion 1.5's widest convolution.
 */
export const LEAST_DISPATCH_FLOPS = MAX_DISPATCH_FLOPS / 64;

/** The longest dispatch for an adapter that does at least so many FLOPs a ms: a power of two below the default, so that the same adapter always gets the same plan. */
export function dispatchFlops(flopsPerMs: number): number {
  if (!(flopsPerMs > 0)) return MAX_DISPATCH_FLOPS; // nothing is known
  const halvings = Math.ceil(Math.log2(MAX_DISPATCH_FLOPS / (flopsPerMs * DISPATCH_MS)));
  return Math.max(LEAST_DISPATCH_FLOPS, MAX_DISPATCH_FLOPS / 2 ** Math.max(0, halvings));
}

/** The device's speed on (side × side) products of zeros; f16 weights and f32 values, as a run's are. Nothing else may be on its queue. */
export async function measureSpeed(pipelines: Pipelines, kernels: KernelChoice): Promise<Speed> {
  const { device } = pipelines;
  const lane = laneOf(device);
  const largest = SIDES[SIDES.length - 1] as number;
  const { STORAGE, UNIFORM, COPY_DST } = GPUBufferUsage;
  const made: GPUBuffer[] = [];
  const buffer = (label: string, size: number, usage: number): GPUBuffer => {
    made.push(device.createBuffer({ label, size, usage }));
    return made[made.length - 1] as GPUBuffer;
  };
  const values = buffer('speed', 8 * largest ** 2, STORAGE);
  const weights = buffer('speed weights', 2 * largest ** 2, STORAGE);
  const programs = new Map<number, Program>();
  const programOf = async (side: number): Promise<Program> => {
    const known = programs.get(side);
    if (known) return known;
    const g = new Graph('f32');
    const x = g.tensor('x', [side, side], 'input');
    const y = g.tensor('y', [side, side], 'output');
    g.emit(linear, { x, w: g.param('w', [side, side], 'weight', 'f16') }, {}, { y });
    const target = { ...kernels, maxBindingBytes: 2 ** 27, maxDispatchFlops: Number.POSITIVE_INFINITY };
    const planned = plan(g, { target, lora: { offsets: new Map(), bytes: 0 } });
    const dims = buffer('speed dims', dimsTable(planned).bytes, UNIFORM | COPY_DST);
    await pipelines.prepare(planned.dispatches.map((d) => d.launch));
    const of = (name: string): GPUBuffer => (name.startsWith('weight:') ? weights : values);
    const program = new Program(device, planned, pipelines, dims, of, lane);
    programs.set(side, program);
    return program;
  };
  const warm = new Set<GPUComputePipeline>();
  const time: Products['time'] = async (which, n) => replays([await programOf(SIDES[which] as number)], lane, warm)(n);
  try {
    const emptyMs = await lane.waits.measure();
    const flops = SIDES.map((side) => 2 * side ** 3);
    return await measure({ flops, time, emptyMs }, MAX_DISPATCH_FLOPS / DISPATCH_MS);
  } finally {
    for (const one of made) one.destroy();
  }
}
