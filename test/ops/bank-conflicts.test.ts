// In: every tiled product kernel's own text. Out: no two of eight neighbouring threads meet in a bank of workgroup memory, in any store or load of its loop.
// Memory has 32 banks of 4 bytes; a 16-byte access of 32 threads is served eight threads at a time, each from its four banks: the same word may be shared.
import { expect, test, vi } from 'vitest';
import { wgsl } from '../../src/gpu/shader.ts';
import { Graph } from '../../src/graph/graph.ts';
import type { GemmVariant, Launch, Target } from '../../src/graph/op.ts';
import { attention, attentionBackward } from '../../src/ops/attention.ts';
import { conv2d, conv2dDx } from '../../src/ops/conv2d.ts';
import { linear, linearDw, linearDx } from '../../src/ops/linear.ts';

vi.setConfig({ testTimeout: 30_000 }); // on a computer that may be busy

/** Launches of every pair of layouts, with sums of `k`. */
function launches(variant: GemmVariant, k: number): Launch[] {
  const g = new Graph('f16');
  const target: Target = {
    gemmVariant: () => variant,
    reductionThreads: 256,
    maxDispatchFlops: 1e12,
    scoreBytes: 2 ** 25,
    maxBindingBytes: 2 ** 27,
  };
  const temp = (...shape: number[]) => g.tensor('x', shape, 'temp', 'f16');
  const [x, dy, w] = [temp(256, k), temp(256, 128), g.param('w', [128, k], 'weight', 'f16')];
  const [image, gradient] = [temp(1, 16, 16, k), temp(1, 16, 16, k)];
  const conv = g.param('conv', [k, 3, 3, k], 'weight', 'f16');
  const factor = g.param('A', [128, k], 'lora', 'f32');
  const tokens = temp(1, 256, 2 * k);
  g.emit(linear, { x, w });
  g.emit(linearDx, { dy, w });
  g.emit(linearDw, { dy, x }, {}, { dw: g.gradOf(factor) });
  g.emit(conv2d, { x: image, w: conv }, { stride: 1 });
  g.emit(conv2dDx, { dy: gradient, w: conv }, { stride: 1, height: 16, width: 16 });
  const { y, lse } = g.emit(attention, { q: tokens, k: tokens, v: tokens }, { heads: 2 });
  g.emit(attentionBackward, { q: tokens, k: tokens, v: tokens, lse, dy: y }, { heads: 2 });
  const scratch = g.tensor('scores', [1, 2, 256, 256], 'temp', 'f32');
  return g.nodes
    .flatMap((node) => node.op.launches({ ...node, outputs: { p: scratch, dp: scratch, ...node.outputs } }, target))
    .filter((l) => l.shader === 'gemm');
}

/** Index expressions of WGSL, as functions of the thread: whole numbers, so BigInt divides as u32 does. */
function indices(code: string): { text: string; at: (x: bigint, y: bigint) => number }[] {
  const lets = new Map([...code.matchAll(/let (t|[ab]_slot) = (.*);/g)].map((m) => [m[1] as string, m[2] as string]));
  const inlined = (e: string): string =>
    e.replace(/\b(t|[ab]_slot)\b/g, (name) => `(${inlined(lets.get(name) as string)})`);
  const quads = Number(/q < (\d+)u/.exec(code)?.[1]);
  const accesses = [...code.matchAll(/sh_[ab]\[([^\]]+)\]/g)].flatMap(([, text]) =>
    /\bq\b/.test(text as string)
      ? Array.from({ length: quads }, (_, q) => (text as string).replace(/\bq\b/, `${q}u`))
      : [text as string],
  );
  return accesses.map((text) => {
    const js = inlined(text)
      .replace(/local\.([xy])/g, '$1')
      .replace(/(\d+)u/g, '$1n');
    const at = new Function('x', 'y', `return Number(${js})`) as (x: bigint, y: bigint) => number;
    return { text, at };
  });
}

/** Of a workgroup's threads, eight at a time: those that have to wait for another. */
function conflicts(at: (x: bigint, y: bigint) => number, SN: number, SM: number): number {
  let waits = 0;
  for (let first = 0; first < SN * SM; first += 8) {
    const words = Array.from({ length: 8 }, (_, i) =>
      at(BigInt((first + i) % SN), BigInt(Math.floor((first + i) / SN))),
    );
    const banks = [...new Set(words)].map((word) => word % 8);
    waits += banks.length - new Set(banks).size;
  }
  return waits;
}

const variants: GemmVariant[] = ['tile128', 'tile64', 'tile32', 'narrow'];
test.each(variants.flatMap((v) => [32, 40].map((k): [GemmVariant, number] => [v, k])))(
  '%s, sums of %i',
  (variant, k) => {
    const pairs = new Set<string>();
    for (const launch of launches(variant, k)) {
      const { SN, SM, A_LAYOUT, B_LAYOUT, A_SIZE, B_SIZE } = launch.defines as {
        SN: number;
        SM: number;
        A_LAYOUT: string;
        B_LAYOUT: string;
        A_SIZE: number;
        B_SIZE: number;
      };
      const code = wgsl(launch);
      const accesses = indices(code);
      pairs.add(`${A_LAYOUT}·${B_LAYOUT}`);
      expect(accesses.length).toBeGreaterThan(12);
      for (const { text, at } of accesses) {
        expect(conflicts(at, SN, SM), `${A_LAYOUT}·${B_LAYOUT}: [${text}]`).toBe(0);
        const last = at(BigInt(SN - 1), BigInt(SM - 1));
        expect(last).toBeLessThan(Math.max(A_SIZE, B_SIZE));
      }
      expect(16 * (A_SIZE + B_SIZE)).toBeLessThanOrEqual(16384); // WebGPU's default maxComputeWorkgroupStorageSize
    }
    expect([...pairs].sort()).toEqual(['col·kn', 'conv_dx·conv_dx', 'conv·nk', 'row·kn', 'row·nk']);
  },
);

test('strides without padding are told', () => {
  const launch = launches('tile128', 32)[0] as Launch;
  const packed = { ...launch, defines: { ...launch.defines, A_ROW: 32, A_QUAD: 128 } };
  const { SN, SM } = launch.defines as { SN: number; SM: number };
  const store = indices(wgsl(packed)).find((i) => i.text.startsWith('a_slot')) as {
    at: (x: bigint, y: bigint) => number;
  };
  expect(conflicts(store.at, SN, SM)).toBe(7 * 16); // all eight in one bank, as it was
});
