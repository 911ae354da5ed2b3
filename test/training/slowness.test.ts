// Slow steps, sleeping computers and silent runs: what is told and what is not.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awakeClock } from '../../src/training/awake-clock.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import { runPatience } from '../../src/training/silence.ts';
import { slowness } from '../../src/training/slowness.ts';
import { train } from '../../src/training/train.ts';
import { toyRun } from './toy-run.ts';

const told = (steps: number[], options = {}) => {
  const slow = slowness(options);
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
    expect(told(times(3, 9000), { times: 4, expectedMs: 1000 })).toEqual([9]);
    expect(told(times(30, 3900), { times: 4, expectedMs: 1000 })).toEqual([]);
  });

  it('a clock of 100 ms, and one that stands, make no slow steps', () => {
    expect(told([0, 0, 100, 0, 0, 100, 0, 100, 0, 0, 0, 100, 0, 0])).toEqual([]);
    expect(told(times(40, 0))).toEqual([]);
  });

  it('a run says so', async () => {
    const run = toyRun({ steps: 20, previewEvery: 0 });
    const { unet } = run.toy;
    let taken = 0;
    await train({
      ...run.training,
      unet: {
        ...unet,
        step: async (micro) => {
          const report = await unet.step(micro);
          run.clock.ms += ++taken > 10 ? 4000 : 200;
          return report;
        },
      },
    });
    expect(run.events.filter(({ kind }) => kind === 'slowed')).toEqual([{ kind: 'slowed', step: 13, times: 20 }]);
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
