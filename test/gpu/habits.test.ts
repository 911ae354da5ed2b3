// Bad habits around real Dawn: the two-levels golden is bitwise what the honest device computes, or ends in what the table allows.
import { beforeAll, expect, test, vi } from 'vitest';
import { orLost } from '../../src/gpu/lost-device.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { Trouble, type TroubleCode } from '../../src/trouble.ts';
import { type GoldenFolder, openGolden } from '../../tools/golden-folder.ts';
import { type GoldenValues, runGolden } from '../../tools/golden-run.ts';
import { testDevice } from './device.ts';
import { type DawnHabits, type HabitDevice, habitDevice } from './habit-device.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 }); // on a computer that may be busy
let golden: GoldenFolder;
let shared: GPUDevice;
let pipelines: Pipelines;
/** What the honest device came to, and what was asked of it. */
let honest: HabitDevice & { values: GoldenValues[] };

async function run(habits: DawnHabits) {
  // A device that will be lost is nobody else's; the others share one, and its kernels.
  const real = habits.loss ? await testDevice() : shared;
  const state = habitDevice(real, habits);
  const kernels = habits.loss ? {} : { pipelines };
  try {
    const values = await orLost(state.device.lost)(() => runGolden(state.device, golden, 'f32', kernels));
    return { state, values, outcome: 'done' as const };
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    return { state, values: null, outcome: error.code };
  } finally {
    if (habits.loss) real.destroy();
  }
}
beforeAll(async () => {
  golden = await openGolden('test/golden/unet/two-levels');
  shared = await testDevice();
  pipelines = new Pipelines(shared);
  const { state, values } = await run({});
  if (!values) throw new Error('the honest device did not end done');
  honest = Object.assign(state, { values });
});

interface Habit {
  may: readonly ('done' | TroubleCode)[];
  habits(at: number): DawnHabits; // `at`: 0 … 1, where in the run
  fired(state: HabitDevice): boolean;
}
const upTo = (most: number, at: number): number => 1 + Math.floor(at * (most - 1));
const TABLE: Record<string, Habit> = {
  'answers every 100 ms': {
    may: ['done'],
    habits: () => ({ answersEveryMs: 100 }),
    fired: () => true,
  },
  'refuses a buffer': {
    may: ['out-of-memory'],
    habits: (at) => ({ refuseAt: upTo(honest.buffers, at) }),
    fired: (state) => state.buffers > 0,
  },
  'drops a submit and says so late': {
    may: ['gpu-refused'],
    habits: (at) => ({ lateError: { submit: upTo(honest.submits, at), afterMs: 5 } }),
    fired: (state) => state.dropped,
  },
  'is lost at some call': {
    may: ['device-lost'],
    habits: (at) => ({ loss: { call: upTo(honest.calls, at), toldMs: 20 } }),
    fired: (state) => state.isLost,
  },
};
const places = [0.03, 0.2, 0.45, 0.7, 0.9, 0.99];
const cases = [
  ...Object.keys(TABLE).flatMap((name) => places.map((at) => ({ names: [name], at }))),
  ...['refuses a buffer', 'drops a submit and says so late', 'is lost at some call'].map((name) => ({
    names: ['answers every 100 ms', name],
    at: 0.6,
  })),
  { names: ['drops a submit and says so late', 'is lost at some call'], at: 0.5 },
];

test.each(cases)('$names at $at', async ({ names, at }) => {
  const chosen = names.map((name) => TABLE[name] as Habit);
  const { state, values, outcome } = await run(Object.assign({}, ...chosen.map(({ habits }) => habits(at))));
  const allowed = new Set(chosen.flatMap(({ may }) => may));
  if (!chosen.every(({ may }) => may.includes('done'))) allowed.delete('done');
  expect(allowed).toContain(outcome);
  if (outcome === 'done' || chosen.length === 1) for (const { fired } of chosen) expect(fired(state)).toBe(true);
  if (values) expect(values).toEqual(honest.values);
});
