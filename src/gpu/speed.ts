// speed: a device and the kernels it will run in, how fast a matrix product is there out; from it, how long a dispatch may be.
import { Graph } from '../graph/graph.ts';
import type { KernelChoice } from '../graph/op.ts';
import { linear } from '../ops/linear.ts';
import { plan } from '../plan/plan.ts';
import { dimsTable } from '../plan/programs.ts';
import { MAX_DISPATCH_FLOPS } from './engine-plan.ts';
import type { Pipelines } from './pipelines.ts';
import { Program } from './program.ts';
import { SubmitPace } from './submit-pace.ts';

/** What a dispatch may take where the adapter allows, and what all measuring may. */
const DISPATCH_MS = 50;
const BUDGET_MS = 300;
/** A product that took as long says enough: what submitting itself takes is lost in it. */
const ENOUGH_MS = 20;
/** Sides of the products, smallest first: 0.5 MFLOP to 2.1 GFLOP, which is 9 ms where dispatches need no limit below the default. */
const SIDES = [64, 128, 256, 512, 1024] as const;
/**
 * Less is not asked for: 50 ms at 4 GFLOP/s, a software adapter's speed. A product is split into bands of rows, so one row of tiles is the
 * least it can be: 3.8 GFLOP for Stable Diffusion 1.5's widest convolution.
 */
export const LEAST_DISPATCH_FLOPS = MAX_DISPATCH_FLOPS / 64;

/** The longest dispatch for an adapter of this speed: a power of two below the default, so that the same adapter always gets the same plan. */
export function dispatchFlops(flopsPerMs: number): number {
  const halvings = Math.ceil(Math.log2(MAX_DISPATCH_FLOPS / (flopsPerMs * DISPATCH_MS)));
  return Math.max(LEAST_DISPATCH_FLOPS, MAX_DISPATCH_FLOPS / 2 ** Math.max(0, halvings));
}

/** A product's time in ms by its side; what measureSpeed asks, and what a test gives. */
export type TimeProduct = (side: number) => Promise<number>;

/**
 * FLOPs per ms of the largest products that time allows; they grow until one takes long enough, starting with one that no GPU takes long for.
 * Each runs twice and the better time counts: the first run of a kernel may wait for its driver to compile it, which is no part of the budget.
 */
export async function measureSpeed(time: TimeProduct): Promise<number> {
  let spent = 0;
  let best = 0;
  for (const side of SIDES) {
    const ms = Math.min(await time(side), await time(side));
    spent += 2 * ms;
    best = Math.max(best, (2 * side ** 3) / ms);
    if (ms >= ENOUGH_MS || spent + 2 * 8 * ms > BUDGET_MS) break; // the next is eight times as much
  }
  return best;
}

/**
 * Times (side × side) products of zeros on the device, each in a submit of its own, waited for. f16 weights and f32 values, as a run's are.
 * @param work receives the stopwatch; its buffers are destroyed afterwards.
 */
export async function withProducts<T>(
  pipelines: Pipelines,
  kernels: KernelChoice,
  work: (time: TimeProduct) => Promise<T>,
  now: () => number = () => performance.now(),
): Promise<T> {
  const { device } = pipelines;
  const largest = SIDES[SIDES.length - 1] as number;
  const { STORAGE, UNIFORM, COPY_DST } = GPUBufferUsage;
  const values = device.createBuffer({ label: 'speed', size: 8 * largest ** 2, usage: STORAGE });
  const weights = device.createBuffer({ label: 'speed weights', size: 2 * largest ** 2, usage: STORAGE });
  const dims = device.createBuffer({ label: 'speed dims', size: 256, usage: UNIFORM | COPY_DST });
  const pace = new SubmitPace(device.queue);
  const time: TimeProduct = async (side) => {
    const g = new Graph('f32');
    const x = g.tensor('x', [side, side], 'input');
    const y = g.tensor('y', [side, side], 'output');
    g.emit(linear, { x, w: g.param('w', [side, side], 'weight', 'f16') }, {}, { y });
    const target = { ...kernels, maxBindingBytes: 2 ** 27, maxDispatchFlops: Number.POSITIVE_INFINITY };
    const planned = plan(g, { target, lora: { offsets: new Map(), bytes: 0 } });
    if (dimsTable(planned).bytes > dims.size) throw new Error('a product is one dispatch');
    await pipelines.prepare(planned.dispatches.map((d) => d.launch));
    const program = new Program(
      device,
      planned,
      pipelines,
      dims,
      (name) => (name.startsWith('weight:') ? weights : values),
      pace,
    );
    await device.queue.onSubmittedWorkDone();
    const begun = now();
    program.submit();
    await device.queue.onSubmittedWorkDone();
    return now() - begun;
  };
  try {
    return await work(time);
  } finally {
    for (const buffer of [values, weights, dims]) buffer.destroy();
  }
}
