// 8-bit AdamW on a GPU = the numpy twin in CUDA's order, which tools/goldens/adamw8bit.py holds to bitsandbytes: 100 steps on recorded gradients.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Program } from '../../src/gpu/program.ts';
import { updateGraph } from '../../src/model/graphs.ts';
import { dynamicMap } from '../../src/ops/dynamic-map.ts';
import { initialState, SLOT } from '../../src/ops/step-state.ts';
import { LEAST_8BIT, momentLayout } from '../../src/plan/moments.ts';
import { loraLayout, plan } from '../../src/plan/plan.ts';
import { dimsTable } from '../../src/plan/programs.ts';
import { openSafetensors } from '../../tools/golden-folder.ts';
import { relativeL2 } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';
import { testTarget } from './run-op.ts';

const GOLDEN = 'test/golden/adamw8bit';
const settings = JSON.parse(await readFile(`${GOLDEN}/settings.json`, 'utf8')) as Record<string, number>;
const inputs = await openSafetensors(`${GOLDEN}/inputs.safetensors`);
const expected = await openSafetensors(`${GOLDEN}/expected.safetensors`);
const params = inputs
  .keys()
  .filter((key) => key.startsWith('start.'))
  .map((key) => ({ name: key.slice('start.'.length), shape: inputs.shape(key) }));
const layout = loraLayout(params);
const moments = momentLayout(params, layout);
const at = (name: string) => layout.offsets.get(name)! / 4;

/** The optimizer's own program on buffers of its own: a gradient a step in, everything it keeps out. */
async function optimizer(start: Float32Array<ArrayBuffer>) {
  const device = await testDevice();
  const count = moments.blocks.length / 4;
  const { graph } = updateGraph(
    layout.bytes / 4,
    1,
    {
      ...{ clip: 0, beta1: settings.beta1!, beta2: settings.beta2!, epsilon: settings.epsilon! },
      ...{ weightDecay: settings.weight_decay!, dynamicLossScale: false, growthInterval: 1, largestScale: 1 },
    },
    { blocks: count, words: moments.words },
  );
  const planned = plan(graph, { target: testTarget, lora: layout });
  const pipelines = new Pipelines(device);
  await pipelines.prepare(planned.dispatches.map(({ launch }) => launch));
  const { STORAGE, COPY_SRC, COPY_DST, UNIFORM, MAP_READ } = GPUBufferUsage;
  const made = new Map<string, GPUBuffer>();
  const buffer = (name: string, size: number, usage = STORAGE | COPY_SRC | COPY_DST): GPUBuffer => {
    const one = made.get(name) ?? device.createBuffer({ label: name, size, usage });
    made.set(name, one);
    return one;
  };
  const put = (name: string, values: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void =>
    device.queue.writeBuffer(buffer(name, values.byteLength), 0, values);
  put('lora', start);
  put('state:moments', new Uint32Array(moments.words));
  put('state:blocks', moments.blocks);
  put('state:map', Float32Array.of(...dynamicMap(true), ...dynamicMap(false)));
  put('state:step', initialState(1));
  put('state:learning_rates', Float32Array.of(settings.learning_rate!));
  put('grads', new Float32Array(start.length));
  for (const [i, bytes] of planned.arena.slabBytes.entries()) buffer(`arena:${i}`, bytes);
  const dims = buffer('dims', dimsTable(planned).bytes, UNIFORM | COPY_DST);
  const program = new Program(device, planned, pipelines, dims, (name) => made.get(name)!, laneOf(device));
  const read = async (name: string): Promise<ArrayBuffer> => {
    const from = made.get(name)!;
    const staging = device.createBuffer({ size: from.size, usage: MAP_READ | COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, staging, 0, from.size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    return staging.getMappedRange();
  };
  return {
    async step(grads: Float32Array<ArrayBuffer>): Promise<void> {
      put('grads', grads);
      await program.submit();
    },
    kept: async () => ({
      lora: new Float32Array(await read('lora')),
      grads: new Float32Array(await read('grads')),
      moments: new Uint32Array(await read('state:moments')),
      state: new Float32Array(await read('state:step')),
    }),
  };
}

/** What a tensor's blocks hold: codes and absmax, or values, of both moments. */
function unpacked(words: Uint32Array, name: string, count: number) {
  const out = { codes: [[], []], absmax: [[], []], values: [[], []] } as Record<string, [number[], number[]]>;
  const floats = new Float32Array(words.buffer);
  const bytes = new Uint8Array(words.buffer);
  for (let b = 0; b < moments.blocks.length; b += 4) {
    const [first, values, begin, packed] = moments.blocks.subarray(b, b + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    if (first < at(name) || first >= at(name) + count) continue;
    for (const i of [0, 1]) {
      if (packed) {
        const from = 4 * (begin + 2 + i * Math.ceil(values / 4));
        out.codes![i]!.push(...bytes.subarray(from, from + values));
        out.absmax![i]!.push(floats[begin + i]!);
      } else out.values![i]!.push(...floats.subarray(begin + i * values, begin + (i + 1) * values));
    }
  }
  return out;
}

test('values of the codes are bitsandbytes’: 256 ascending, 0 and 1 among them', () => {
  for (const signed of [true, false]) {
    const map = dynamicMap(signed);
    expect([map.length, new Set(map).size, map.at(-1), map.includes(0)]).toEqual([256, 256, 1, true]);
    expect(map.every((v, i) => i === 0 || v > map[i - 1]!)).toBe(true);
    expect(map[0]).toBe(signed ? Math.fround(-0.992968738079071) : 0);
  }
});

test('a hundred steps: codes, absmax and parameters, of tensors above 4,096 values and below', async () => {
  const sizes = await inputs.float32('sizes');
  const real = new Map<string, Float32Array>();
  const start = new Float32Array(layout.bytes / 4);
  for (const { name } of params) {
    real.set(name, await inputs.float32(`gradient.${name}`));
    start.set(await inputs.float32(`start.${name}`), at(name));
  }
  const { step, kept } = await optimizer(start);
  for (const [t, size] of sizes.entries()) {
    const grads = new Float32Array(layout.bytes / 4);
    for (const [name, all] of real) {
      const count = all.length / settings.recorded!;
      const one = all.subarray((t % settings.recorded!) * count, ((t % settings.recorded!) + 1) * count);
      grads.set(
        one.map((x) => x * size),
        at(name),
      );
    }
    await step(grads);
  }
  const { lora, moments: words, state, grads } = await kept();
  expect(state[SLOT.step]).toBe(settings.steps);
  expect(grads.every((x) => x === 0)).toBe(true);
  let [small, large] = [0, 0];
  for (const { name, shape } of params) {
    const count = shape.reduce((a, b) => a * b, 1);
    const first = await inputs.float32(`start.${name}`);
    const after = await expected.float32(`after.${name}`);
    const got = lora.subarray(at(name), at(name) + count);
    expect(relativeL2(got, after)).toBeLessThan(1e-4);
    expect(relativeL2(first, after)).toBeGreaterThan(1e-2); // it moved
    const { codes, absmax, values } = unpacked(words, name, count);
    for (const [i, which] of (['first', 'second'] as const).entries()) {
      if (count >= LEAST_8BIT) {
        large++;
        const wanted = await expected.float32(`${which}.codes.${name}`);
        const off = [...wanted].map((code, at) => Math.abs(code - codes![i]![at]!));
        expect(Math.max(...off)).toBeLessThanOrEqual(1);
        expect(off.filter((o) => o === 0).length / count).toBeGreaterThanOrEqual(0.999);
        expect(
          relativeL2(Float32Array.from(absmax![i]!), await expected.float32(`${which}.absmax.${name}`)),
        ).toBeLessThan(1e-4);
      } else {
        small++;
        expect(
          relativeL2(Float32Array.from(values![i]!), await expected.float32(`${which}.values.${name}`)),
        ).toBeLessThan(1e-4);
      }
    }
  }
  expect(small).toBeGreaterThan(0);
  expect(large).toBeGreaterThan(0);
});

test('a step that is not finite leaves parameters and moments as they were', async () => {
  const { step, kept } = await optimizer(new Float32Array(layout.bytes / 4).fill(1));
  const grads = new Float32Array(layout.bytes / 4);
  for (const { name, shape } of params) grads.fill(0.5, at(name), at(name) + shape[0]! * shape[1]!);
  await step(grads);
  const before = await kept();
  expect(before.moments.some((word) => word !== 0)).toBe(true);
  grads[7] = Number.NaN;
  await step(grads);
  const after = await kept();
  expect(after.lora).toEqual(before.lora);
  expect(after.moments).toEqual(before.moments);
  expect([before.state[SLOT.finite], after.state[SLOT.finite]]).toEqual([1, 0]);
  expect(after.grads.every((x) => x === 0)).toBe(true);
});
