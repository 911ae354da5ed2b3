// Fake cards × clocks: Stable Diffusion 1.5's training steps, submitted by the real stopwatch, pace, lane and programs to cards of 4 GFLOP/s to 20 TFLOP/s.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { engineGraphs, kernelsFor, MAX_DISPATCH_FLOPS } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Program } from '../../src/gpu/program.ts';
import { dispatchFlops, LEAST_DISPATCH_FLOPS, measureSpeed } from '../../src/gpu/speed.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { loraLayout, plan } from '../../src/plan/plan.ts';
import { dimsTable } from '../../src/plan/programs.ts';
import { fakeDevice, optimizer } from './engines.ts';
import { CARDS, CLOCKS, type Habits } from './habits.ts';
import { FakeQueue } from './queue.ts';

vi.setConfig({ testTimeout: 60_000 }); // on a computer that may be busy
const config = parseUNetConfig(JSON.parse(readFileSync('test/golden/configs/sd15-unet.json', 'utf8')));
const side = { height: 64, width: 64, rank: 4, alpha: 4, activations: 'f16', recompute: 'on' } as const;
const plans = new Map<number, Plan>();
/** A training step of Stable Diffusion 1.5 at 512 px, in dispatches of so many FLOPs. */
function stepPlan(maxDispatchFlops: number): Plan {
  const known = plans.get(maxDispatchFlops);
  if (known) return known;
  const { train } = engineGraphs({ config, ...side, optimizer });
  if (!train) throw new Error('no training in it');
  const target = { ...kernelsFor(false, maxDispatchFlops), maxBindingBytes: 2 ** 27 };
  const lora = loraLayout(train.graph.tensors.filter((t) => t.kind === 'lora'));
  const made = plan(train.graph, { target, lora, forwardCount: train.forwardCount, spare: 'all' });
  plans.set(maxDispatchFlops, made);
  return made;
}
/** The most that one row of tiles takes: what cannot be cut. */
const rowOfTiles = 3.8e9;

let end = (): void => {};
afterEach(() => end());

/** Measures the card, then trains: two steps in flight, as a run does. */
async function trained(habits: Partial<Habits>, steps: number) {
  const fake = fakeDevice(habits);
  end = fake.end;
  const { device, time } = fake;
  return time.until(
    (async () => {
      const lane = laneOf(device.gpu);
      const pipelines = new Pipelines(device.gpu);
      const speed = await measureSpeed(pipelines, kernelsFor(false));
      const measuring = { ms: time.ms, gpuMs: device.queue.submits.reduce((sum, s) => sum + s.end - s.begin, 0) };
      lane.pace.guess(speed.told ?? speed.atLeast);
      const limit = dispatchFlops(speed.atLeast);
      const planned = stepPlan(limit);
      await pipelines.prepare(planned.dispatches.map((d) => d.launch));
      const buffers = new Map<string, GPUBuffer>();
      const named = (label: string): GPUBuffer => {
        const made = buffers.get(label) ?? device.gpu.createBuffer({ label, size: 2 ** 28, usage: 0 });
        buffers.set(label, made);
        return made;
      };
      const dims = device.gpu.createBuffer({ label: 'dims:train', size: dimsTable(planned).bytes, usage: 0 });
      const program = new Program(device.gpu, planned, pipelines, dims, named, lane);
      const from: number[] = [];
      const flying: Promise<undefined>[] = [];
      for (let step = 0; step < steps; step++) {
        from.push(device.queue.submits.length);
        await program.submit();
        flying.push(lane.waits.done());
        if (flying.length === 2) await flying.shift();
      }
      await Promise.all(flying);
      return { speed, measuring, limit, submits: device.queue.submits, from, empty: device.queue.empty };
    })(),
  );
}

describe.each(Object.entries(CLOCKS))('clock: %s', (clockName, clock) => {
  test.each(Object.entries(CARDS))('a card of %s', async (_, card) => {
    const steps = card.flopsPerMs < 100e6 ? 4 : 7;
    const { measuring, limit, submits, from } = await trained({ card, ...clock }, steps);
    const honest = dispatchFlops(card.flopsPerMs);
    expect([honest, Math.max(LEAST_DISPATCH_FLOPS, honest / 2)]).toContain(limit);
    // A clock that cannot tell less than 100 ms cannot tell when 300 are over.
    const coarse = clock.clockMs >= 100 || (clock.answers !== 'at-once' && !clock.answers.atSubmits);
    expect(measuring.gpuMs).toBeLessThanOrEqual(coarse ? 450 : 300);
    expect(measuring.ms).toBeLessThanOrEqual(1500 + 500); // with the waits for nothing, and kernels' first runs
    const later = submits.slice(from[1]);
    const rowMs = rowOfTiles / card.flopsPerMs + card.dispatchMs;
    expect(Math.max(...later.map((s) => s.longestMs))).toBeLessThanOrEqual(Math.max(100, rowMs));
    expect(Math.max(...later.map((s) => s.end - s.begin))).toBeLessThanOrEqual(Math.max(250, rowMs));
    expect(Math.max(...submits.map((s) => s.outstanding))).toBeLessThanOrEqual(8);
    const third = submits.slice(from[2]);
    expect(FakeQueue.busy(third), clockName).toBeGreaterThanOrEqual(0.95);
    expect(Math.max(...third.map((s) => s.queuedMs))).toBeLessThanOrEqual(Math.max(500, rowMs));
  });
});

test('control: with a speed from one wait, a wait of 100 ms makes any card one of 5 MFLOP/s, and its dispatches three times as many', () => {
  expect(dispatchFlops((2 * 64 ** 3) / 103)).toBe(LEAST_DISPATCH_FLOPS);
  expect(stepPlan(LEAST_DISPATCH_FLOPS).dispatches.length).toBeGreaterThan(
    2.5 * stepPlan(MAX_DISPATCH_FLOPS).dispatches.length,
  );
});
