// replays: programs and their device's lane in; a way to run them n times in one submit between two readings of the clock, out: what the stopwatch asks for.
import type { Lane } from './lane.ts';
import type { Program } from './program.ts';

/** Runs so many times and waits. */
export type Replays = (n: number) => Promise<{ begun: number; ended: number }>;

/**
 * The programs one after another, n times over. They run once before, where `warm` lacks a kernel of theirs: a driver may compile it when it first
 * runs. Nothing else may be on the queue.
 */
export function replays(programs: readonly Program[], lane: Lane, warm = new Set<GPUComputePipeline>()): Replays {
  const { device } = lane;
  const encoded = (n: number): GPUCommandBuffer => {
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < n; i++) for (const program of programs) program.encode(encoder);
    return encoder.finish();
  };
  const kernels = programs.flatMap(({ commands }) => commands.map(({ pipeline }) => pipeline));
  return async (n) => {
    if (!kernels.every((kernel) => warm.has(kernel))) {
      device.queue.submit([encoded(1)]);
      await lane.waits.done();
      for (const kernel of kernels) warm.add(kernel);
    }
    const commands = encoded(n);
    const begun = lane.now();
    device.queue.submit([commands]);
    await lane.waits.done();
    return { begun, ended: lane.now() };
  };
}
