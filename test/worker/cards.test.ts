// Which card is which: keys by everything an adapter says, software known by its speed where it says nothing, times of another speed not used.
import { describe, expect, it } from 'vitest';
import { cardKey, isSoftware, kernelsOf, promisedMs, rememberSpeed, timedOn } from '../../src/gpu/cards.ts';
import { MAX_DISPATCH_FLOPS } from '../../src/gpu/engine-plan.ts';
import { LEAST_DISPATCH_FLOPS } from '../../src/gpu/speed.ts';
import { timings } from '../../src/worker/timings.ts';
import { settings } from '../training/toy-run.ts';
import { memoryTimings } from './memory-stores.ts';

const card = (name: string, architecture = '', maxBufferSize = 2 ** 28) => ({
  ...{ kind: 'unknown' as const, name, vendor: name && 'nvidia', architecture },
  limits: {
    ...{ maxStorageBufferBindingSize: 2 ** 27, maxBufferSize },
    ...{ maxComputeWorkgroupStorageSize: 2 ** 14, maxComputeInvocationsPerWorkgroup: 256 },
  },
});
const later = () => new Promise((wake) => setTimeout(wake, 5));
const step = { kind: 'step', settings } as const;

describe('a card', () => {
  it('is told from others by name, vendor, architecture and limits', () => {
    const keys = [
      card('Nvidia Ampere', 'ampere'),
      card('Nvidia Ampere', 'ada'),
      card('Nvidia Ampere', 'ampere', 2 ** 31),
    ];
    expect(new Set(keys.map(cardKey)).size).toBe(3);
  });

  it('without a name is software when it is as slow as one, and gets its kernels; with one it is what it says', () => {
    const [hidden, named] = [card('', '', 2 ** 30), card('Adreno 305')];
    expect(isSoftware(hidden)).toBe(false);
    for (const slow of [hidden, named]) rememberSpeed(slow, { told: 3e6, atLeast: 2.7e6 });
    expect([isSoftware(hidden), isSoftware(named)]).toEqual([true, false]);
    expect(kernelsOf(hidden).reductionThreads).toBe(4);
    expect(kernelsOf(hidden).maxDispatchFlops).toBe(LEAST_DISPATCH_FLOPS);
    rememberSpeed(hidden, { told: 2e9, atLeast: 1.9e9 });
    expect(isSoftware(hidden)).toBe(false);
    expect(kernelsOf(hidden).maxDispatchFlops).toBe(MAX_DISPATCH_FLOPS);
  });

  it('without a name and unmeasured has no times: they could be any card’s', () => {
    expect(timedOn(card('', 'nothing'))).toBe(null);
    expect(timedOn(card('Nvidia Ampere'))).not.toBe(null);
  });
});

describe('what a card promises', () => {
  const step = { flops: 2.3e12, dispatches: 3500 };
  it('is FLOPs ÷ its measured speed, and something for every dispatch', () => {
    const fast = card('RTX 3060');
    rememberSpeed(fast, { told: 5e9, atLeast: 4e9 });
    expect(promisedMs(fast, step)).toBeCloseTo(460 + 70);
  });
  it('is nothing where it was not measured, and of software, whose memory is the computer’s', () => {
    expect(promisedMs(card('never measured'), step)).toBe(null);
    const software = { ...card('SwiftShader'), kind: 'software' as const };
    rememberSpeed(software, { told: 3e6, atLeast: 2e6 });
    expect(promisedMs(software, step)).toBe(null);
  });
});

describe('times', () => {
  it('taken at more than twice another speed are not used', async () => {
    const store = memoryTimings();
    const at = (flopsPerMs: number | null) => timings(store, 'sd15', async () => ({ key: 'k', name: 'n', flopsPerMs }));
    at(1e9).note(step, 700);
    await later();
    expect(await at(1.9e9).known(step)).toBe(700);
    expect(await at(0.6e9).known(step)).toBe(700);
    expect(await at(2.1e9).known(step)).toBe(null);
    expect(await at(0.4e9).known(step)).toBe(null);
    expect(await at(null).known(step)).toBe(700);
  });

  it('of nameless, unmeasured cards are neither kept nor known', async () => {
    const store = memoryTimings();
    const timed = timings(store, 'sd15', async () => null);
    timed.note(step, 700);
    timed.note({ kind: 'encode', size: 512 }, 90);
    await later();
    expect(await timed.known(step)).toBe(null);
    expect(await timed.known({ kind: 'encode', size: 512 })).toBe(null);
  });

  it('kept by name alone, as they once were, still serve', async () => {
    const store = memoryTimings();
    const old = timings(store, 'sd15', async () => ({ key: 'Nvidia Ampere', name: '', flopsPerMs: null }));
    old.note(step, 800);
    await later();
    const now = timings(store, 'sd15', async () => ({ key: 'longer', name: 'Nvidia Ampere', flopsPerMs: 1e9 }));
    expect(await now.known(step)).toBe(800);
  });
});
