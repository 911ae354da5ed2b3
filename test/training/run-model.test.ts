// The model of a run: whatever anything takes and whatever happens when, it ends or waits for a person, in a bounded number of turns, with the
// adapter of the undisturbed run. Thousands of interleavings of the real loop, controls, recovery, engine room and GPU turns.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LoraWeights } from '../../src/gpu/engine-types.ts';
import { train } from '../../src/training/train.ts';
import { Trouble } from '../../src/trouble.ts';
import { type Cue, type Deed, live, type Outcome, type Scenario, snapshotAt } from './run-world.ts';
import { toyRun } from './toy-run.ts';

const INTERLEAVINGS = 6000;

const ms = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 500, max: 9000 }),
  fc.integer({ min: 29_000, max: 61_000 }),
  fc.constant(3_600_000),
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.constantFrom(
    ...(['pause', 'resume', 'stop', 'picture', 'picture given up', 'preview', 'lose', 'lose late'] as const).map(
      (what) => ({ what }),
    ),
  ),
  fc.constantFrom({ what: 'pause' as const }, { what: 'resume' as const }, { what: 'lose' as const }),
  fc.boolean().map((full) => ({ what: 'disk' as const, full })),
  fc.constantFrom(-86_400_000, -40_000, 40_000, 86_400_000).map((jump) => ({ what: 'clock' as const, jump })),
  ms.map((long) => ({ what: 'freeze' as const, ms: long })),
);
const cue: fc.Arbitrary<Cue> = fc.record({
  after: fc.integer({ min: 1, max: 12 }),
  at: fc.constantFrom('event' as const, 'end' as const),
  deed,
});
const loss = cue.map((one): Cue => ({ ...one, deed: { what: one.after % 2 ? 'lose' : 'lose late' } }));
const scenario: fc.Arbitrary<Scenario> = fc.record({
  steps: fc.integer({ min: 1, max: 7 }),
  previewEvery: fc.integer({ min: 0, max: 4 }),
  from: fc.constantFrom(0, 0, 47), // the other is past step 50, where a save is due whatever the clock says
  skips: fc.integer({ min: 0, max: 2 }),
  durations: fc.array(ms, { minLength: 1, maxLength: 7 }),
  script: fc.oneof(
    { weight: 12, arbitrary: fc.array(cue, { maxLength: 9 }) },
    { weight: 1, arbitrary: fc.array(loss, { minLength: 4, maxLength: 8 }) }, // a card that breaks again and again
  ),
});

/** The same run with nobody near it, measured and kept at every step: the adapter of each. */
const undisturbed = new Map<string, Promise<Outcome>>();
function quiet({ steps, previewEvery, from, skips }: Scenario, everyStep: boolean): Promise<Outcome> {
  const alone = { ...{ steps, from, skips, durations: [1], script: [] }, previewEvery: everyStep ? 1 : previewEvery };
  const key = JSON.stringify(alone);
  const run = undisturbed.get(key) ?? live(alone);
  undisturbed.set(key, run);
  return run;
}

describe('the model of a run', () => {
  it(`ends or waits for a person in bounded turns with the adapter of the undisturbed run, ${INTERLEAVINGS} interleavings`, async () => {
    const seen = { done: 0, stopped: 0, lost: 0, full: 0, paused: 0, notSaved: 0, goneOn: 0, givenUp: 0 };
    await fc.assert(
      fc.asyncProperty(scenario, async (one) => {
        const outcome = await live(one);
        const { ended, error, events, losses } = outcome;
        if (events.some(({ kind }) => kind === 'paused')) seen.paused++;
        if (events.some(({ kind }) => kind === 'not-saved')) seen.notSaved++;
        if (ended && losses > 0) seen.goneOn++;
        if (outcome.givenUp > 0) seen.givenUp++;
        if (!ended) {
          if (!(error instanceof Trouble)) throw error;
          if (error.code === 'device-lost' && losses > 3) seen.lost++;
          else if (error.code === 'disk-full' && outcome.fullWhenStopped) seen.full++;
          else throw error;
        } else seen[ended.state]++;
        if (ended?.state === 'done') expect(ended.history.step).toBe(one.from + one.steps);
        if (ended?.state === 'stopped') expect(one.script.some(({ deed: { what } }) => what === 'stop')).toBe(true);
        await sameAdapters(one, outcome);
      }),
      { numRuns: INTERLEAVINGS, seed: 10 },
    );
    // The interleavings do get everywhere.
    for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(20);
  }, 120_000);
});

/** Every adapter that was kept is bitwise the one that the quiet run has at that step, and so are the losses. */
async function sameAdapters(one: Scenario, { moments, ended }: Outcome): Promise<void> {
  const expected = await quiet(one, true);
  for (const [step, lora] of moments) {
    const begun = step === one.from ? [...snapshotAt(step).state.lora] : null; // stopped before it took a step
    expect(numbers(lora)).toEqual(begun ?? numbers(expected.moments.get(step)));
  }
  if (!ended) return;
  expect(ended.history.losses).toEqual(expected.ended?.history.losses.slice(0, ended.history.step));
  if (ended.history.step > 0) expect(ended.history.moments).toContain(ended.history.step);
  if (ended.state === 'done') expect(ended.history).toEqual((await quiet(one, false)).ended?.history);
}
const numbers = (lora: LoraWeights | undefined): number[] =>
  [...(lora?.values() ?? [])].flatMap(({ down, up }) => [...down, ...up]);

describe('cases that once spun or stuck', () => {
  it('a milestone that takes longer than saves are apart leaves no save due, and the run goes on (it once spun for ever at 0 %)', async () => {
    const run = toyRun({ steps: 12 });
    const { preview, now } = run.training;
    let asked = 0;
    const ended = await train({
      ...run.training,
      async preview(step) {
        run.clock.ms += 31_000;
        await preview(step);
      },
      now() {
        if (++asked > 10_000) throw new Error('it spins');
        return now?.() ?? 0;
      },
    });
    expect(ended.state).toBe('done');
    expect(run.previews).toEqual([0, 5, 10, 12]);
  });

  it('a full disk at the last step, and somebody who presses Continue before it has paused: it tries to save again (it once spun)', async () => {
    const hasty: Scenario = {
      ...{ steps: 2, previewEvery: 0, from: 0, skips: 0, durations: [5] },
      script: [
        { after: 2, at: 'event', deed: { what: 'disk', full: false } },
        { after: 2, at: 'event', deed: { what: 'disk', full: true } },
        { after: 8, at: 'end', deed: { what: 'resume' } },
      ],
    };
    expect((await live(hasty)).ended?.state).toBe('done');
  });

  it('Continue while the disk is still full tries once, and says that it is paused again (it once said that it went on)', async () => {
    const { events, ended } = await live({
      ...{ steps: 3, previewEvery: 0, from: 0, skips: 0, durations: [5] },
      script: [
        { after: 1, at: 'event', deed: { what: 'disk', full: true } },
        { after: 99, at: 'end', deed: { what: 'resume' } },
      ],
    });
    const told = events.map(({ kind }) => kind).filter((kind) => kind !== 'progress');
    const after = told.indexOf('not-saved');
    expect(told.slice(after, after + 6)).toEqual(['not-saved', 'paused', 'not-saved', 'paused', 'saved', 'resumed']);
    expect(ended?.state).toBe('done');
  });

  it('pictures that are asked for without end take turns with the steps (they once starved the run)', async () => {
    const run = toyRun({ steps: 6 });
    let drawn = 0;
    const again = async (): Promise<void> => {
      if (++drawn > 500) throw new Error('no step is taken');
      void run.controls.atBoundary(again).catch(() => {});
    };
    void run.controls.atBoundary(again).catch(() => {});
    expect((await train(run.training)).state).toBe('done');
    expect(drawn).toBeLessThan(20);
  });
});
