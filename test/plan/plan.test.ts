// Plans without a GPU: FLOPs as torch counts them, no two live tensors in one place, recomputation, limits, SD 1.5's memory at 512².
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { engineGraphs, enginePrograms, kernelsFor } from '../../src/gpu/engine-plan.ts';
import { parseUNetConfig } from '../../src/model/config.ts';
import { lossGraph, predictGraph } from '../../src/model/graphs.ts';
import { arena } from '../../src/plan/arena.ts';
import { loraLayout, plan } from '../../src/plan/plan.ts';
import { planReport } from '../../tools/plan.ts';

vi.setConfig({ testTimeout: 90_000 }); // on a computer that may be busy
const target = { maxBindingBytes: 128 * 2 ** 20, ...kernelsFor(false) };
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const flops = json('test/golden/unet/flops.json') as Record<
  string,
  { config: string; batch: number; height: number; width: number; forward: number }
>;
const sd15 = json('test/golden/configs/sd15-unet.json');

test.each(Object.entries(flops))(
  'forward FLOPs of %s equal torch FlopCounterMode',
  (_, { config, batch, height, width, forward }) => {
    const { graph } = predictGraph({
      config: parseUNetConfig(json(config)),
      batch,
      height,
      width,
      activations: 'f32',
      rank: 0,
    });
    const p = plan(graph, { target, lora: { offsets: new Map(), bytes: 0 } });
    expect(p.flops).toBe(forward);
    expect(p.dispatches.reduce((sum, d) => sum + d.launch.flops, 0)).toBeCloseTo(forward, -3); // and the dispatches say the same
  },
);

describe('the training plan of the demo model', () => {
  const options = {
    config: parseUNetConfig(json('public/models/demo/unet/config.json')),
    batch: 1,
    height: 16,
    width: 16,
    activations: 'f32' as const,
    rank: 4,
  };
  const make = (recompute: boolean) => {
    const { graph, forwardCount } = lossGraph(options, 1);
    return plan(graph, {
      target,
      lora: loraLayout(graph.tensors.filter((t) => t.kind === 'lora')),
      forwardCount,
      spare: recompute ? 'all' : 'nothing',
    });
  };

  test.each([false, true])('no two live tensors overlap (recompute %s)', (recompute) => {
    const p = make(recompute);
    const placed = p.lifetimes.map((l) => ({
      ...l,
      ...(p.arena.places.get(l.tensor.id) as { slab: number; offset: number }),
    }));
    for (const [i, a] of placed.entries()) {
      expect(a.offset % 256).toBe(0);
      expect(a.offset + a.bytes).toBeLessThanOrEqual(p.arena.slabBytes[a.slab] as number);
      for (const b of placed.slice(i + 1)) {
        const together = a.first <= b.last && b.first <= a.last && a.slab === b.slab;
        if (together && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes)
          expect.fail(`${a.tensor.name} and ${b.tensor.name} overlap while both live`);
      }
    }
  });

  test('recomputation: memory falls, dispatches rise', () => {
    const [keep, again] = [make(false), make(true)];
    expect(again.arena.slabBytes[0]).toBeLessThan(0.8 * (keep.arena.slabBytes[0] as number));
    expect(again.dispatches.length).toBeGreaterThan(keep.dispatches.length);
  });

  test('no gradient is computed before the first adapted layer', () => {
    const back = make(false).nodes.filter(
      (n) => n.op.name.endsWith('-dx') || n.op.name.endsWith('backward') || n.op.name === 'linear-dw',
    );
    expect(back.length).toBeGreaterThan(100);
    expect(back.filter((n) => ['conv_in', 'time_embedding', 'down_blocks.0.resnets.0'].includes(n.block))).toEqual([]);
  });

  test('a tensor larger than a binding may be is an error with its name', () => {
    const { graph } = lossGraph(options, 1);
    expect(() =>
      plan(graph, {
        target: { ...target, maxBindingBytes: 64 * 1024 },
        lora: loraLayout(graph.tensors.filter((t) => t.kind === 'lora')),
      }),
    ).toThrow(/needs \d+ bytes, more than one binding/);
  });

  test('within default limits: ≤ 8 storage buffers, ≤ 65535 workgroups a dimension', () => {
    for (const { launch } of make(true).dispatches) {
      expect(Object.keys(launch.reads).length + Object.keys(launch.writes).length).toBeLessThanOrEqual(8);
      for (const n of launch.workgroups) expect(n).toBeLessThanOrEqual(65535);
    }
  });
});

describe('Stable Diffusion 1.5 at 512², rank 4', () => {
  const request = { config: sd15, size: 64, rank: 4, batch: 1 };
  const on = planReport({ ...request, activations: 'f16', recompute: 'on' });

  test('fits in 2.1 GB with f16 activations and recomputation', () => {
    expect(on.report.bytes.total).toBeLessThan(2.1e9);
    const { weights, arena, lora, staging, total } = on.report.bytes;
    expect(weights + arena + lora + staging).toBe(total);
    expect(on.built.lora.bytes / 4).toBe(797_184); // 128 modules: what diffusers' script trains
  });

  test('fits in 1.2 GB with 8-bit weights: the bytes, exactly', () => {
    const int8 = planReport({ ...request, activations: 'f16', recompute: 'on', weights: 'int8' });
    expect(on.report.bytes.weights).toBe(1_719_041_928); // 859,520,964 parameters × 2
    expect(int8.report.bytes.total).toBeLessThan(1.2e9);
    expect(int8.report.bytes).toEqual({ ...on.report.bytes, weights: 913_667_928, total: 1_088_271_516 });
    // all but conv_in, norms and biases: 17/32 of what they took
    const kept = [...int8.built.weights.values()].filter((t) => t.dtype === 'f16');
    expect(kept.filter((t) => t.shape.length > 1).map((t) => t.name)).toEqual(['conv_in.weight']);
    expect(int8.report.flops).toEqual(on.report.flops);
  });

  // Cheap nodes first: what is left is the products that free most bytes for a FLOP. All of it costs 0.29 of a step.
  test.each([
    [2.1e9, 0.04],
    [1.93e9, 0.12],
  ])('in %d bytes it recomputes at most %d of a step', (memoryBytes, share) => {
    const { report } = planReport({ ...request, activations: 'f16', recompute: 'auto', memoryBytes });
    const { step, recomputed } = report.flops;
    expect(report.bytes.total).toBeLessThanOrEqual(memoryBytes);
    expect(report.bytes.total).toBeGreaterThan(0.99 * memoryBytes); // no memory is left unused
    expect(recomputed / (step - recomputed)).toBeLessThanOrEqual(share);
    expect(recomputed).toBeGreaterThan(0);
    expect(on.report.flops.recomputed / (step - recomputed)).toBeGreaterThan(0.28);
  });

  test('auto takes the least bytes, where keeping everything would take more than 256 MiB', () => {
    expect(planReport({ ...request, activations: 'f16', recompute: 'auto' }).report).toEqual(on.report);
    const demo = {
      config: json('public/models/demo/unet/config.json'),
      size: 16,
      rank: 4,
      batch: 1,
      activations: 'f32' as const,
    };
    expect(planReport({ ...demo, recompute: 'auto' }).report).toEqual(planReport({ ...demo, recompute: 'off' }).report);
  });

  test('no slab and no weight is larger than a default binding, no dispatch longer than 12.5 GFLOP', () => {
    for (const bytes of on.built.slabBytes) expect(bytes).toBeLessThanOrEqual(128 * 2 ** 20);
    for (const p of Object.values(on.built.plans))
      for (const d of p.dispatches) {
        expect(d.launch.flops).toBeLessThanOrEqual(12.5e9);
        for (const b of d.bindings) expect(b.bytes).toBeLessThanOrEqual(128 * 2 ** 20);
      }
  });
});

test('a plan does not depend on the adapter’s kernels or the number of steps at a constant rate, but a schedule takes its table', () => {
  const config = parseUNetConfig(json('public/models/demo/unet/config.json'));
  const optimizer = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2, clip: 1 };
  const total = (learningRates: Float32Array, software: boolean): number => {
    const shape = { config, height: 16, width: 16, rank: 4, alpha: 4, activations: 'f32', recompute: 'auto' } as const;
    const kernels = kernelsFor(software);
    return enginePrograms({ ...shape, kernels, optimizer: { ...optimizer, learningRates } }, 2 ** 27).bytes.total;
  };
  const planned = planReport({
    config: json('public/models/demo/unet/config.json'),
    size: 16,
    rank: 4,
    batch: 1,
    activations: 'f32',
    recompute: 'auto',
  });
  expect(total(new Float32Array(300).fill(1e-3), true)).toBe(planned.report.bytes.total);
  expect(total(Float32Array.of(3, 2, 2, 2), false)).toBe(planned.report.bytes.total + 4);
});

test('engineGraphs without an optimizer cannot train', () => {
  const config = parseUNetConfig(json('public/models/demo/unet/config.json'));
  expect(
    Object.keys(
      engineGraphs({ config, height: 16, width: 16, rank: 0, alpha: 0, activations: 'f32', recompute: 'off' }),
    ),
  ).toEqual(['predict', 'evaluate']);
});

test('a slab is 128 MiB at most, or the largest tensor, however much a binding may hold; the bytes are the same', () => {
  const MiB = 2 ** 20;
  const life = (id: number, size: number) => ({
    ...{
      tensor: { id, name: `t${id}`, shape: [size / 4], dtype: 'f32', kind: 'temp' },
      bytes: size,
      first: 0,
      last: 1,
    },
  });
  const slabs = (sizes: number[]) =>
    arena(sizes.map((size, id) => life(id, size * MiB)) as never, 2048 * MiB).slabBytes.map((b) => b / MiB);
  expect(slabs([64, 64, 64, 64, 32])).toEqual([128, 128, 32]);
  expect(slabs([268, 100, 100, 100])).toEqual([268, 200, 100]);
  expect(() => arena([life(0, 2 * MiB)] as never, MiB)).toThrow(/more than one binding/);
});
