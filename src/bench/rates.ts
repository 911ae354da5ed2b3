// Measured shapes and a device in; how fast each kind of work is there out: what a step is forecast from.
import type { Pipelines } from '../gpu/pipelines.ts';
import type { KernelChoice } from '../graph/op.ts';
import { silu } from '../ops/silu.ts';
import { BenchProgram } from './bench-program.ts';
import { figureOf, msOf } from './rounds.ts';
import type { Rates, Sample } from './step-forecast.ts';
import { oneOp } from './workload.ts';

/** ms of a dispatch that does next to nothing, among others like it. Nothing else may be on the device's queue. */
export async function dispatchMs(pipelines: Pipelines, kernels: KernelChoice, emptyMs: number): Promise<number> {
  const { graphs, values } = oneOp({ name: 'dispatch', op: silu, inputs: { x: [1, 64] }, outputs: ['y'] });
  const program = await BenchProgram.make(pipelines, kernels, graphs, values);
  try {
    await program.time(1);
    return await msOf({ time: program.time, emptyMs });
  } finally {
    program.destroy();
  }
}

/** What has no product and was not measured goes as the middle one of those that were. */
export function ratesFrom(samples: readonly Sample[], msOfDispatch: number, copyBytesPerMs: number): Rates {
  const copying = samples.filter(({ op }) => /norm|geglu/.test(op)).map(({ perMs }) => perMs);
  const bytesPerMs = copying.length > 0 ? figureOf(copying).median : copyBytesPerMs;
  return { samples, bytesPerMs, dispatchMs: msOfDispatch };
}
