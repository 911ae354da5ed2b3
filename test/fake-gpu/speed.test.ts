// The stopwatch, the pace and the waits one by one: coarse clocks, compiling drivers, slept laptops, browsers that look at the GPU by a timer.
import { describe, expect, test } from 'vitest';
import { MAX_DISPATCH_FLOPS } from '../../src/gpu/engine-plan.ts';
import { dispatchFlops, LEAST_DISPATCH_FLOPS } from '../../src/gpu/speed.ts';
import { measure } from '../../src/gpu/stopwatch.ts';
import { SubmitPace } from '../../src/gpu/submit-pace.ts';
import { Waits } from '../../src/gpu/waits.ts';
import { fakeDevice } from './engines.ts';
import type { Habits } from './habits.ts';

const flops = [128, 256, 512, 1024].map((side) => 2 * side ** 3);

describe('how long a dispatch may be', () => {
  test('50 ms of what was measured, in halvings, never above the default', () => {
    expect(dispatchFlops(1e10)).toBe(MAX_DISPATCH_FLOPS);
    expect(dispatchFlops(250e6)).toBe(MAX_DISPATCH_FLOPS);
    for (const gflops of [200, 60, 20]) {
      const limit = dispatchFlops(gflops * 1e6);
      expect(limit / (gflops * 1e6)).toBeLessThanOrEqual(50);
      expect(limit / (gflops * 1e6)).toBeGreaterThan(25);
    }
    expect(dispatchFlops(1e5)).toBe(LEAST_DISPATCH_FLOPS);
  });

  test('where nothing could be told, the default', () => {
    for (const nothing of [0, Number.NaN]) expect(dispatchFlops(nothing)).toBe(MAX_DISPATCH_FLOPS);
  });
});

describe('the stopwatch', () => {
  /** A clock that stands still, and products that take no time by it. */
  test('0 ms is not infinite speed: nothing is told, and the limit is the default', async () => {
    const speed = await measure({ flops, time: async () => ({ begun: 0, ended: 0 }), emptyMs: 0 }, 250e6);
    expect(speed.told).toBe(null);
    expect(Number.isFinite(speed.atLeast)).toBe(true);
    expect(dispatchFlops(speed.atLeast)).toBe(MAX_DISPATCH_FLOPS);
  });

  test('what submitting takes is not counted: the slope tells the speed within 2 %', async () => {
    for (const speed of [4e6, 60e6, 2e9]) {
      let at = 0;
      const time = async (which: number, n: number) => {
        const begun = at;
        at += 7 + ((flops[which] as number) * n) / speed;
        return { begun, ended: at };
      };
      const { told } = await measure({ flops, time, emptyMs: 0.3 }, 250e6);
      expect(Math.abs((told ?? 0) / speed - 1)).toBeLessThan(0.02);
    }
  });
});

describe('the pace', () => {
  const commands = Array.from({ length: 3000 }, (_, i) => ({ flops: i % 3 === 0 ? 1e8 * (1 + (i % 97)) : 0 }));
  /** Submits all commands, one piece after another, each taking what `ms` says. @returns pieces and the longest of them. */
  function pass(
    pace: SubmitPace,
    clock: { ms: number; read?: (ms: number) => number },
    ms: (flops: number, n: number) => number,
  ) {
    const read = clock.read ?? ((at) => at);
    const took: number[] = [];
    for (let at = 0; at < commands.length; ) {
      const end = pace.pieceEnd(commands, at);
      const work = { flops: commands.slice(at, end).reduce((sum, c) => sum + c.flops, 0), dispatches: end - at };
      const begun = clock.ms;
      took.push(ms(work.flops, work.dispatches));
      clock.ms += took[took.length - 1] as number;
      pace.ended(work, read(begun), read(clock.ms));
      at = end;
    }
    return { pieces: took.length, longest: Math.max(...took) };
  }
  const card = (speed: number) => (flops: number, n: number) => flops / speed + 0.01 * n;

  test.each([20e6, 250e6, 1e10])('adapts to a card of %d FLOP/ms within three steps', (speed) => {
    const [pace, clock] = [new SubmitPace(), { ms: 0 }];
    for (let i = 0; i < 3; i++) pass(pace, clock, card(speed));
    const { longest } = pass(pace, clock, card(speed));
    const command = Math.max(...commands.map((c) => c.flops)) / speed;
    expect(longest).toBeLessThanOrEqual(Math.max(250, 1.01 * command));
  });

  test('a laptop that slept ten minutes within a submit pays with a little smaller pieces for one step, no more', () => {
    const [pace, clock] = [new SubmitPace(), { ms: 0 }];
    const quick = card(1e9);
    for (let i = 0; i < 4; i++) pass(pace, clock, quick);
    const before = pass(pace, clock, quick).pieces;
    let slept = false;
    pass(pace, clock, (flops, n) => {
      const more = slept ? 0 : 600_000;
      slept = true;
      return quick(flops, n) + more;
    });
    expect(pass(pace, clock, quick).pieces).toBeLessThanOrEqual(2 * before);
    expect(pass(pace, clock, quick).pieces).toBeLessThanOrEqual(1.2 * before);
  });

  test('a clock that says 0 teaches nothing, and one of 100 ms as much as a fine one', () => {
    const still = new SubmitPace();
    const first = still.pieceEnd(commands, 0);
    pass(still, { ms: 0, read: () => 0 }, card(1e9));
    expect(still.pieceEnd(commands, 0)).toBe(first);
    const [coarse, clock] = [new SubmitPace(), { ms: 0, read: (ms: number) => 100 * Math.floor(ms / 100) }];
    for (let i = 0; i < 4; i++) pass(coarse, clock, card(1e9));
    expect(pass(coarse, clock, card(1e9)).longest).toBeLessThanOrEqual(250);
  });

  test('a card that slows down to a third is noticed within a few steps', () => {
    const [pace, clock] = [new SubmitPace(), { ms: 0 }];
    for (let i = 0; i < 20; i++) pass(pace, clock, card(1e9));
    for (let i = 0; i < 3; i++) pass(pace, clock, card(3e8));
    expect(pass(pace, clock, card(3e8)).longest).toBeLessThanOrEqual(250);
  });
});

describe('waits', () => {
  async function empty(habits: Partial<Habits>, begunAt = 0) {
    const { device, time, end } = fakeDevice(habits);
    time.block(begunAt);
    try {
      const waits = new Waits(device.gpu);
      const ms = await time.until(waits.measure());
      device.queue.submit([]);
      return { ms, waits, device, time };
    } finally {
      end();
    }
  }
  const firefox = { everyMs: 100, atSubmits: true };

  test('a browser that answers every 100 ms is nudged, and answers within 30', async () => {
    const { ms, waits, device } = await empty({ clockMs: 1, answers: firefox });
    expect(waits.nudged).toBe(true);
    expect(ms).toBeLessThanOrEqual(30);
    expect(device.queue.empty).toBeGreaterThan(0);
    expect(device.queue.submits).toEqual([]); // nudges are no work
  });

  test.each([1, 50, 95])(
    'so it is where the first wait ends early, begun %i ms after it last looked',
    async (begunAt) => {
      const { waits } = await empty({ answers: firefox }, begunAt);
      expect(waits.nudged).toBe(true);
    },
  );

  test('one that answers at once is left alone', async () => {
    const { ms, waits, device } = await empty({});
    expect(waits.nudged).toBe(false);
    expect(ms).toBeLessThan(1);
    expect(device.queue.empty).toBe(1); // this test's own
  });

  test('a loss ends the nudging: nothing is due any more', async () => {
    const { device, time, end } = fakeDevice({ answers: firefox });
    const waits = new Waits(device.gpu);
    await time.until(waits.measure());
    const never = waits.until(new Promise<never>(() => {}));
    setTimeout(() => device.lose('unknown', 'reset'), 200);
    await time.until(device.lost);
    const nudges = device.queue.empty;
    expect(nudges).toBeGreaterThan(20);
    await expect(time.until(never)).rejects.toThrow(/hangs/);
    expect(device.queue.empty).toBe(nudges);
    end();
  });
});
