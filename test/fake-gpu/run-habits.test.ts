// A whole run (loop, recovery, GPU turns, engine room, engines) on fake GPUs with bad habits, each alone and in random pairs: a written table says
// what may come of each. Losses and missing adapters are among what must end done by itself, and then bitwise as on the honest device.
import fc from 'fast-check';
import { beforeAll, expect, test, vi } from 'vitest';
import type { Answers } from './adapter.ts';
import type { FakeDevice } from './device.ts';
import { CARDS, type Habits, HONEST } from './habits.ts';
import { liveRun, type Outcome, type Ran } from './runs.ts';

vi.setConfig({ testTimeout: 900_000 });
const RUNS = Number(process.env.DARKROOM_HABIT_RUNS ?? 40);

interface Habit {
  name: string;
  may: readonly Outcome[];
  /** The first device's; those after it have them too, but for what happens once. */
  habits?(at: number): Partial<Habits>; // `at`: 0 … 1, where in the run
  /** Devices that are lost one after another, at such calls. */
  losses?(at: number): number[];
  /** What comes before the first adapter. */
  before?: Answers;
  fired(ran: Ran): boolean;
}
/** Of the honest run: what shall happen at one of them happens. */
const honest = { ran: null as unknown as Ran, calls: 0, submits: 0, waits: 0 };
beforeAll(async () => {
  honest.ran = await liveRun([{}]);
  const { calls, queue } = honest.ran.gpu.devices[0] as FakeDevice;
  Object.assign(honest, { calls, submits: queue.submits.length, waits: queue.waits });
}, 120_000);
const upTo = (most: number, at: number): number => 1 + Math.floor(at * 0.8 * (most - 1));
const last = ({ gpu }: Ran): FakeDevice => gpu.devices.at(-1) as FakeDevice;

const TABLE: Habit[] = [
  {
    name: 'a clock of 100 ms',
    may: ['done'],
    habits: () => ({ clockMs: 100 }),
    fired: ({ time }) => time.tickMs === 100,
  },
  {
    name: 'answers every 100 ms',
    may: ['done'],
    habits: () => ({ answers: { everyMs: 100, atSubmits: false } }),
    fired: ({ time }) => time.ms > 1000,
  },
  ...Object.entries(CARDS).map(
    ([name, card]): Habit => ({
      name,
      may: ['done'],
      habits: () => ({ card }),
      fired: (ran) => last(ran).habits.card === card,
    }),
  ),
  {
    name: 'sleeps ten minutes within a wait',
    may: ['done'],
    habits: (at) => ({ lateAnswer: { at: upTo(honest.waits, at), ms: 600_000 } }),
    fired: ({ time }) => time.ms > 600_000,
  },
  {
    name: 'one submit per 150 ms, blocking at 64',
    may: ['done'],
    habits: () => ({ queue: { blocksAt: 64, leastMs: 150 } }),
    fired: (ran) => last(ran).queue.submits.every((s) => s.end - s.begin >= 149.9 && s.outstanding <= 8),
  },
  {
    name: 'pages silently, 20 times slower',
    may: ['done'],
    habits: () => ({ memory: { ...HONEST.memory, capacity: 1, pages: 20 } }),
    fired: (ran) => last(ran).habits.memory.pages === 20,
  },
  {
    name: 'refuses the first 64 MB',
    may: ['out-of-memory', 'gpu-refused'],
    habits: () => ({ memory: { ...HONEST.memory, falseAlarm: 2 ** 26 } }),
    fired: () => true,
  },
  {
    name: 'drops a submit and says so late',
    may: ['gpu-refused'],
    habits: (at) => ({ lateError: { submit: upTo(honest.submits, at), afterMs: 5 } }),
    fired: (ran) => ran.gpu.devices.some((d) => d.errors.length > 0),
  },
  {
    name: 'an adapter that comes at the third time',
    may: ['done'],
    before: [null, null],
    fired: ({ gpu }) => gpu.asked.length > 2,
  },
  {
    name: 'an adapter whose process is gone',
    may: ['done'],
    before: ['no device'],
    fired: ({ gpu }) => gpu.asked.length > 1,
  },
  { name: 'lost at some call', may: ['done'], losses: (at) => [upTo(honest.calls, at)], fired: lost(1) },
  {
    name: 'lost twice, graphics held back',
    may: ['done'],
    losses: (at) => [upTo(honest.calls, at), upTo(honest.calls, 1 - at)],
    fired: lost(2),
  },
  {
    name: 'lost at the same early call for ever',
    may: ['device-lost'],
    losses: (at) => Array(5).fill(upTo(90, at)),
    fired: lost(4),
  },
];
function lost(times: number) {
  return ({ gpu }: Ran): boolean => gpu.devices.filter(({ lostAt }) => lostAt !== null).length >= times;
}

async function check(chosen: readonly Habit[], at: number): Promise<void> {
  const habits: Partial<Habits> = Object.assign({}, ...chosen.map((h) => h.habits?.(at)));
  const losses = chosen.flatMap((h) => h.losses?.(at) ?? []);
  const { lateError: _, lateAnswer: __, ...again } = habits;
  const answers = [...losses.map((call) => ({ loss: { call, toldMs: 40 } })), {}];
  const ran = await liveRun(
    [...chosen.flatMap((h) => h.before ?? []), ...answers.map((one, n) => ({ ...(n === 0 ? habits : again), ...one }))],
    { blocks: true },
  );
  const name = `${chosen.map((h) => h.name).join(' + ')} at ${at}`;
  const allowed = new Set<Outcome>(chosen.flatMap((h) => h.may));
  // What happens once may not come to happen where the device is lost before.
  const once = losses.length > 0 && (habits.lateError ?? habits.lateAnswer);
  if (!once && !chosen.every((h) => h.may.includes('done'))) allowed.delete('done');
  expect(allowed, name).toContain(ran.outcome);
  if (chosen.length === 1) expect(chosen[0]?.fired(ran), `${name} has happened`).toBe(true);
  if (ran.outcome !== 'done') return;
  for (const habit of chosen)
    if (habit.losses || !once) expect(habit.fired(ran), `${habit.name} in ${name}`).toBe(true);
  expect(ran.state).toEqual(honest.ran.state);
  expect(last(ran).kernels.strays).toBe(0);
}

test('each habit alone', async () => {
  for (const habit of TABLE) await check([habit], 0.6);
});

test(`${RUNS} random pairs: only what the table allows, never a bug, never a hang`, async () => {
  const habit = fc.constantFrom(...TABLE);
  const keys = (h: Habit): string[] => [
    ...Object.keys(h.habits?.(0.5) ?? {}),
    ...(h.losses ? ['losses'] : []),
    ...(h.before ? ['before'] : []),
  ];
  // Two that say the same thing differently are one.
  const pair = fc.tuple(habit, habit).filter(([a, b]) => keys(a).every((key) => !keys(b).includes(key)));
  await fc.assert(fc.asyncProperty(pair, fc.double({ min: 0, max: 1, noNaN: true }), check), {
    ...{ numRuns: RUNS, endOnFailure: true, seed: 11 },
  });
});
