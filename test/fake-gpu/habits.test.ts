// The real stopwatch, pace, lane, programs and engine over a fake device with bad habits, each alone and in random pairs: a written table says what
// may come of each, and where it ends done, the adapter is bitwise the honest device's.
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { Engine } from '../../src/gpu/engine.ts';
import { type EngineOptions, enginePrograms, kernelsFor } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { reserve } from '../../src/gpu/reserve.ts';
import { measureSpeed } from '../../src/gpu/speed.ts';
import { uploadWeights } from '../../src/gpu/weights.ts';
import { noticingLoss } from '../../src/training/recover.ts';
import { Trouble, type TroubleCode } from '../../src/trouble.ts';
import type { FakeDevice } from './device.ts';
import { engineOptions, example, fakeDevice, weightsFor } from './engines.ts';
import { CARDS, type Habits, HONEST } from './habits.ts';

vi.setConfig({ testTimeout: 900_000 });
const RUNS = Number(process.env.DARKROOM_HABIT_RUNS ?? 500);
type Outcome = 'done' | TroubleCode;
interface Habit {
  name: string;
  habits(at: number): Partial<Habits>; // `at`: 0 … 1, where in the run
  may: readonly Outcome[];
  fired(device: FakeDevice): boolean;
}
const all: EngineOptions & { weights: never } = { ...engineOptions, kernels: kernelsFor(false) } as never;
const built = enginePrograms(all, 2 ** 27); // plan and kernels pinned
const source = weightsFor(built.weights);

let end = (): void => {};
afterEach(() => end());

/** Measures, uploads, trains three steps with two in flight, draws, measures, reads: what a run does. */
async function run(habits: Partial<Habits>): Promise<{ outcome: Outcome; state: unknown; device: FakeDevice }> {
  const fake = fakeDevice(habits);
  end = fake.end;
  const { device, time } = fake;
  const lane = laneOf(device.gpu);
  const work = async () => {
    const pipelines = new Pipelines(device.gpu);
    const speed = await lane.faults.guard(() => measureSpeed(pipelines, kernelsFor(false)));
    lane.pace.guess(speed.told ?? speed.atLeast);
    const weights = await lane.faults.guard(() => uploadWeights(device.gpu, built.weights, source));
    const buffers = await reserve(device.gpu, built);
    const launches = Object.values(built.plans).flatMap((p) => p.dispatches.map((d) => d.launch));
    await pipelines.prepare(launches);
    const engine = noticingLoss(new Engine(device.gpu, all, built, buffers, weights, false, pipelines));
    const first = engine.step([example(0)]);
    const second = engine.step([example(10)]);
    const [a, b] = await Promise.all([first, second]);
    const picture = await engine.predict(example(5), 1);
    const losses = await Promise.all([engine.evaluate(example(6), 1), engine.evaluate(example(7), 1)]);
    const c = await engine.step([example(20)]);
    return { reports: [a, b, c], picture, losses, state: await engine.readState() };
  };
  try {
    const state = await time.until(work());
    return { outcome: 'done', state, device };
  } catch (error) {
    if (error instanceof Trouble) return { outcome: error.code, state: null, device };
    if (device.isLost) return { outcome: 'device-lost', state: null, device }; // making engines is recover.ts's to guard
    throw error;
  } finally {
    end();
    end = () => {};
  }
}

/** The fewest that a run has on any card: what shall happen at one of them happens. */
const calls = { device: Number.POSITIVE_INFINITY, submits: Number.POSITIVE_INFINITY, waits: Number.POSITIVE_INFINITY };
const count = ({ calls: device, queue }: FakeDevice): void => {
  calls.device = Math.min(calls.device, device);
  calls.submits = Math.min(calls.submits, queue.submits.length);
  calls.waits = Math.min(calls.waits, queue.waits);
};
const upTo = (most: number, at: number): number => 1 + Math.floor(at * (most - 1));
const TABLE: Habit[] = [
  ...[1, 100].map(
    (clockMs): Habit => ({
      name: `a clock of ${clockMs} ms`,
      habits: () => ({ clockMs }),
      may: ['done'],
      fired: (d) => d.time.tickMs === clockMs,
    }),
  ),
  ...[false, true].map(
    (atSubmits): Habit => ({
      name: `answers every 100 ms${atSubmits ? ', or at a submit' : ''}`,
      habits: () => ({ answers: { everyMs: 100, atSubmits } }),
      may: ['done'],
      fired: (d) => laneOf(d.gpu).waits.nudged && d.queue.empty > 0,
    }),
  ),
  ...Object.entries(CARDS).map(
    ([name, card]): Habit => ({
      name,
      habits: () => ({ card }),
      may: ['done'],
      fired: (d) => d.queue.submits.length > 0,
    }),
  ),
  {
    name: 'sleeps ten minutes within a wait',
    habits: (at) => ({ lateAnswer: { at: upTo(calls.waits, at), ms: 600_000 } }),
    may: ['done'],
    fired: (d) => d.time.ms > 600_000,
  },
  {
    name: 'one submit per 150 ms, blocking at 64',
    habits: () => ({ queue: { blocksAt: 64, leastMs: 150 } }),
    may: ['done'],
    fired: (d) => d.queue.submits.every((s) => s.end - s.begin >= 149.9 && s.outstanding <= 8),
  },
  {
    name: 'pages silently, 20 times slower',
    habits: () => ({ memory: { ...HONEST.memory, capacity: 1, pages: 20 } }),
    may: ['done'],
    fired: (d) => d.liveBytes > 1,
  },
  {
    name: 'has too little memory',
    habits: (at) => ({ memory: { ...HONEST.memory, capacity: 12e6 + at * 0.9 * built.bytes.total } }),
    may: ['done', 'out-of-memory'],
    fired: () => true,
  },
  {
    name: 'refuses the first 64 MB',
    habits: () => ({ memory: { ...HONEST.memory, falseAlarm: 2 ** 26 } }),
    may: ['out-of-memory', 'gpu-refused'],
    fired: () => true,
  },
  {
    name: 'drops a submit and says so late',
    habits: (at) => ({ lateError: { submit: upTo(calls.submits, at), afterMs: 5 } }),
    may: ['gpu-refused'],
    fired: (d) => d.errors.length > 0,
  },
  {
    name: 'is lost at some call',
    habits: (at) => ({ loss: { call: upTo(calls.device, at), toldMs: 40 } }),
    may: ['device-lost'],
    fired: (d) => d.isLost,
  },
];

test(`each habit alone, then ${RUNS} random pairs: only what the table allows, never a bug, never a hang`, async () => {
  const honest = await run({});
  expect(honest.outcome).toBe('done');
  count(honest.device);
  const check = async (chosen: readonly Habit[], at: number): Promise<void> => {
    const { outcome, state, device } = await run(Object.assign({}, ...chosen.map((h) => h.habits(at))));
    const allowed = new Set<Outcome>(chosen.flatMap((h) => h.may));
    if (!chosen.every((h) => h.may.includes('done'))) allowed.delete('done');
    expect(allowed, `${chosen.map((h) => h.name).join(' + ')} at ${at}`).toContain(outcome);
    if (outcome !== 'done') return;
    if (chosen.length === 1) count(device);
    for (const habit of chosen) expect(habit.fired(device), `${habit.name} has happened`).toBe(true);
    expect(state).toEqual(honest.state);
    expect(device.kernels.strays).toBe(0);
  };
  for (const habit of TABLE) await check([habit], 0.6);
  const habit = fc.constantFrom(...TABLE);
  // Two that say the same thing differently are one.
  const keys = (h: Habit): string => Object.keys(h.habits(0.5)).join();
  const pair = fc.tuple(habit, habit).filter(
    ([a, b]) =>
      a === b ||
      keys(a)
        .split(',')
        .every((key) => !keys(b).split(',').includes(key)),
  );
  const where = fc.double({ min: 0, max: 1, noNaN: true });
  await fc.assert(fc.asyncProperty(pair, where, check), {
    numRuns: RUNS,
    endOnFailure: true,
    seed: 11,
  });
});
