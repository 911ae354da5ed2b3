// Slow steps, sleeping computers and silent runs: what is told and what is not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awakeClock } from '../../src/training/awake-clock.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import { runPatience } from '../../src/training/silence.ts';
import { slowRun } from '../../src/training/slow-run.ts';
import { slowness } from '../../src/training/slowness.ts';

const told = (steps: number[], promisedMs?: number) => {
  const slow = slowness(promisedMs);
  return steps.map((ms) => slow.note(ms)).filter((times) => times !== null);
};
const times = (count: number, ms: number): number[] => Array(count).fill(ms);

describe('steps that become slow', () => {
  it('20 times slower in the middle of a run is told once, at the third, and that it is over', () => {
    expect(told([...times(9, 500), ...times(30, 10_000)])).toEqual([20]);
    expect(told([...times(9, 500), ...times(2, 10_000)])).toEqual([]);
    expect(told([...times(9, 500), ...times(9, 10_000), ...times(9, 600)])).toEqual([20, 1]);
  });

  it('one long step — a sleep, a window — is nothing, however long, and slow first steps are not what is expected', () => {
    expect(told([...times(9, 500), 3_600_000, ...times(9, 500), 3_600_000, 400, 3_600_000])).toEqual([]);
    expect(told([90_000, 40_000, ...times(9, 500)])).toEqual([]);
    expect(told([90_000, 40_000, ...times(9, 500), ...times(3, 10_000)])).toEqual([20]);
  });

  it('a computer that is merely hot, on battery or busy (up to 5 times slower) is never told', () => {
    const wobbling = fc.array(fc.double({ min: 200, max: 1000, noNaN: true }), { minLength: 5, maxLength: 60 });
    fc.assert(fc.property(wobbling, (steps) => void expect(told(steps)).toEqual([])));
  });

  it('against what FLOPs and speed promise, the first three steps say it', () => {
    expect(told(times(3, 9000), 1000)).toEqual([9]);
    expect(told(times(30, 3900), 1000)).toEqual([]);
    expect(told([...times(9, 2000), ...times(3, 9000)], 1000)).toEqual([9]); // later is the same rule
  });

  it('a clock of 100 ms, and one that stands, make no slow steps', () => {
    expect(told([0, 0, 100, 0, 0, 100, 0, 100, 0, 0, 0, 100, 0, 0])).toEqual([]);
    expect(told(times(40, 0))).toEqual([]);
  });
});

describe('a run whose memory the card borrows', () => {
  /** Events at the moments they come; what is told of them. */
  function heard(expectedMs: number | null, events: [afterMs: number, event: TrainEvent][]) {
    let ms = 0;
    const told: TrainEvent[] = [];
    const run = slowRun(
      () => ms,
      (event) => event.kind === 'slowed' && told.push(event),
    );
    run.expect(expectedMs, 2);
    for (const [after, event] of events) {
      ms += after;
      run.hear(event);
    }
    return told;
  }
  const step = (at: number): TrainEvent => ({
    ...{ kind: 'step', step: at, loss: 1, learningRate: 1, gradientNorm: 1, msPerStep: 0, msLeft: 0 },
  });
  const draws = (done: number): TrainEvent => ({
    ...{ kind: 'progress', progress: { phase: 'measuring', done, total: 32 } },
  });
  const steps = (count: number, ms: number, from = 0) =>
    Array.from({ length: count }, (_, i): [number, TrainEvent] => [ms, step(from + i + 1)]);

  it('the first three steps, slower than four times FLOPs ÷ speed, say it', () => {
    expect(heard(600, steps(3, 12_000))).toEqual([{ kind: 'slowed', step: 3, times: 20 }]);
    expect(heard(600, steps(30, 2300))).toEqual([]);
    expect(heard(null, steps(30, 12_000))).toEqual([]); // nothing is promised
  });

  it('held-out draws say it before any step; those that answer first load kernels and do not count', () => {
    // A step of two passes takes 600 ms, so a draw at most 100.
    expect(
      heard(600, [
        [60_000, draws(1)],
        [6000, draws(4)],
      ]),
    ).toEqual([{ kind: 'slowed', step: 0, times: 20 }]);
    expect(
      heard(600, [
        [60_000, draws(1)],
        [900, draws(4)],
        [900, draws(7)],
      ]),
    ).toEqual([]);
    expect(
      heard(600, [
        [60_000, draws(1)],
        [6000, draws(3)],
      ]),
    ).toEqual([]); // too few yet
  });

  it('steps as they should be take back what the draws said', () => {
    const slowDraws: [number, TrainEvent][] = [
      [0, draws(1)],
      [6000, draws(4)],
    ];
    expect(heard(600, [...slowDraws, ...steps(5, 700)]).map((event) => 'times' in event && event.times)).toEqual([
      20, 1,
    ]);
    expect(heard(600, [...slowDraws, ...steps(5, 9000)]).map((event) => 'times' in event && event.times)).toEqual([
      20, 15,
    ]);
  });

  it('a step that becomes slow later is told by the same rule; a pause or a picture between two steps is no step', () => {
    const paused: [number, TrainEvent][] = [[3_600_000, { kind: 'resumed', step: 9 }]];
    expect(heard(null, [...steps(9, 500), ...steps(3, 10_000, 9)])).toEqual([{ kind: 'slowed', step: 12, times: 20 }]);
    expect(
      heard(null, [
        ...steps(9, 500),
        ...paused,
        ...steps(1, 500, 9),
        ...paused,
        ...steps(1, 500, 10),
        ...paused,
        ...steps(1, 500, 11),
      ]),
    ).toEqual([]);
  });
});

describe('the clock of a computer that is awake', () => {
  function computer() {
    const world = { ms: 0, tick: () => {} };
    const every = (tick: () => void) => {
      world.tick = tick;
      return { stop() {} };
    };
    const clock = awakeClock({ tickMs: 1000, time: () => world.ms, every });
    const pass = (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        world.ms += 1000;
        world.tick();
      }
    };
    return { world, clock, pass };
  }

  it('runs while its timer does, and a night of sleep is a second', () => {
    const { world, clock, pass } = computer();
    pass(60);
    expect(clock.now()).toBe(60_000);
    world.ms += 8 * 3_600_000;
    expect(clock.now()).toBe(61_000);
    world.tick();
    pass(60);
    expect(clock.now()).toBe(121_000);
  });

  it('tells at the first tick how long it slept, also where its own clock stood still meanwhile; a busy second is nothing', () => {
    const gaps: number[] = [];
    const world = { ms: 0, wall: 0, tick: () => {} };
    const every = (tick: () => void) => {
      world.tick = tick;
      return { stop() {} };
    };
    awakeClock({ tickMs: 1000, time: () => world.ms, wall: () => world.wall, every, onGap: (ms) => gaps.push(ms) });
    const tick = (ms: number, wall: number) => {
      world.ms += ms;
      world.wall += wall;
      world.tick();
    };
    for (let i = 0; i < 60; i++) tick(1000, 1000);
    tick(1900, 1900);
    expect(gaps).toEqual([]);
    tick(43 * 60_000 + 1000, 43 * 60_000 + 1000);
    tick(1000, 61_000); // performance.now() stands while some computers sleep
    tick(1000, -3_600_000); // somebody set the time back
    expect(gaps).toEqual([43 * 60_000, 60_000]);
  });

  it('never goes back, whatever time says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.boolean())), (jumps) => {
        const { world, clock } = computer();
        let before = clock.now();
        for (const [jump, ticks] of jumps) {
          world.ms += jump;
          if (ticks) world.tick();
          expect(clock.now()).toBeGreaterThanOrEqual(before);
          expect(clock.now() - before).toBeLessThanOrEqual(2000);
          before = clock.now();
        }
      }),
    );
  });
});

describe('how long a run may say nothing', () => {
  const step = (at: number, msPerStep: number): TrainEvent => ({
    ...{ kind: 'step', step: at, loss: 1, learningRate: 1, gradientNorm: 1, msLeft: 0 },
    msPerStep,
  });
  const progress = (
    phase: 'encoding-photos' | 'preparing-gpu' | 'measuring' | 'drawing',
    done: number,
  ): TrainEvent => ({
    ...{ kind: 'progress', progress: { phase, done, total: 9 } },
  });
  const patienceAfter = (...events: TrainEvent[]) => {
    const patience = runPatience();
    for (const event of events) patience.hear(event);
    return patience.now;
  };
  const steps = (ms: number) => [1, 2, 3, 4].map((at) => step(at, ms));

  it('an hour while nobody knows: photos of minutes each, kernels, first steps; but the worker answers within minutes', () => {
    for (const events of [[], [progress('encoding-photos', 1)], [progress('preparing-gpu', 2)], [step(1, 100)]])
      expect(patienceAfter(...events)).toMatchObject({ answerMs: 180_000 });
    expect(patienceAfter(...steps(100), progress('preparing-gpu', 1), progress('measuring', 1)).newsMs).toBe(3_600_000);
    expect(patienceAfter(...steps(100), progress('drawing', 9)).newsMs).toBe(3_600_000); // decoding comes
  });

  it('a minute once steps are timed, and forty steps where they are slow', () => {
    expect(patienceAfter(...steps(100)).newsMs).toBe(60_000);
    expect(patienceAfter(...steps(100), progress('drawing', 3)).newsMs).toBe(60_000);
    expect(patienceAfter(...steps(240_000)).newsMs).toBe(9_600_000);
  });

  it('for ever while a person has paused it, a minute again afterwards', () => {
    expect(patienceAfter(...steps(100), { kind: 'paused', step: 4 }).newsMs).toBe(Number.POSITIVE_INFINITY);
    expect(patienceAfter(...steps(100), { kind: 'paused', step: 4 }, { kind: 'resumed', step: 4 }).newsMs).toBe(60_000);
  });
});
