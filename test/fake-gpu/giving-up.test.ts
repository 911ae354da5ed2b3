// Pause, Stop and Preview now at any piece of a step of twenty seconds: the real training loop and engine over the fake device. Answered within a
// second or one dispatch, and in the end the adapter is bitwise that of a run that nobody disturbed.
import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { Engine } from '../../src/gpu/engine.ts';
import { type EngineOptions, enginePrograms, kernelsFor } from '../../src/gpu/engine-plan.ts';
import { laneOf } from '../../src/gpu/lane.ts';
import { Pipelines } from '../../src/gpu/pipelines.ts';
import { reserve } from '../../src/gpu/reserve.ts';
import { uploadWeights } from '../../src/gpu/weights.ts';
import { runControls } from '../../src/training/controls.ts';
import { noticingLoss } from '../../src/training/recover.ts';
import type { Snapshot } from '../../src/training/snapshot.ts';
import { train } from '../../src/training/train.ts';
import { settings as toySettings } from '../training/toy-run.ts';
import { engineOptions, fakeDevice, optimizer, trainingSet, weightsFor } from './engines.ts';

vi.setConfig({ testTimeout: 300_000 });
/** A step of this tiny U-Net takes 20 s, in dispatches of 40 ms. */
const TWENTY_SECONDS = { flopsPerMs: 1e9, dispatchMs: 40 };
const STEPS = 4;
const settings = {
  ...{ ...toySettings, steps: STEPS, batch: 1, accumulate: 1, rank: 2, alpha: 2, resolution: 64 },
  ...{ previewEvery: 0, heldOutDraws: 1 },
};
const options = {
  ...engineOptions,
  optimizer: { ...optimizer, learningRates: new Float32Array(STEPS).fill(1e-3) },
};
const all: EngineOptions & { weights: never } = { ...options, kernels: kernelsFor(false) } as never;
const built = enginePrograms(all, 2 ** 27); // planned once: it takes longest
const source = weightsFor(built.weights);
async function engineOn(device: GPUDevice): Promise<Engine> {
  const weights = await uploadWeights(device, built.weights, source);
  const pipelines = new Pipelines(device);
  await pipelines.prepare(Object.values(built.plans).flatMap((p) => p.dispatches.map((d) => d.launch)));
  return new Engine(device, all, built, await reserve(device, built), weights, false, pipelines);
}
type Want = 'pause' | 'stop' | 'preview';

let end = (): void => {};
afterEach(() => end());

/** Trains to the end; `ms` after step `step` has ended somebody wants something. Stopped, it goes on with another engine. */
async function run(wish?: { want: Want; step: number; ms: number }) {
  end();
  const { time, device, end: putBack } = fakeDevice({ card: TWENTY_SECONDS });
  end = putBack;
  laneOf(device.gpu).pace.msPerDispatch = TWENTY_SECONDS.dispatchMs;
  const seen = { answeredMs: null as number | null, longestStepMs: 0, wished: false };
  let saved: Snapshot | null = null;
  const session = async (from: Snapshot | null) => {
    const unet = noticingLoss(await engineOn(device.gpu));
    const controls = runControls();
    let askedAt = 0;
    const answered = (): void => {
      seen.answeredMs ??= time.ms - askedAt;
    };
    const wanted = ({ want }: { want: Want }): void => {
      askedAt = time.ms;
      if (want === 'preview') void controls.atBoundary(async () => answered());
      else controls[want]();
    };
    // A stop is answered when no step is worked on any more: it measures.
    const evaluate: typeof unet.evaluate = (...asked) => {
      if (controls.stopping) answered();
      return unet.evaluate(...asked);
    };
    let begun = 0;
    const ended = await train({
      ...{ unet: { ...unet, evaluate }, set: trainingSet, settings, from, controls },
      initialLora: () =>
        new Map(
          unet.modules.map(({ name, inFeatures, outFeatures }) => [
            name,
            { down: new Float32Array(2 * inFeatures).fill(0.25), up: new Float32Array(2 * outFeatures) },
          ]),
        ),
      keeper: {
        async save(snapshot) {
          saved = snapshot;
        },
        async moment() {},
      },
      async preview() {},
      report(event) {
        if (event.kind === 'step') seen.longestStepMs = Math.max(seen.longestStepMs, time.ms - begun);
        begun = time.ms;
        if (wish && !seen.wished && (event.kind === 'step' || event.kind === 'saved') && event.step === wish.step) {
          seen.wished = true;
          setTimeout(() => wanted(wish), wish.ms);
        }
        if (event.kind === 'paused') {
          answered();
          setTimeout(() => controls.resume(), 5000);
        }
      },
      now: time.now,
    });
    if (controls.stopping) answered();
    unet.destroy();
    return ended;
  };
  const work = async () => {
    const ended = await session(null);
    return ended.state === 'stopped' ? session(saved) : ended;
  };
  const { history } = await time.until(work());
  const { state } = saved as unknown as Snapshot;
  return { ...seen, state, losses: history.losses, strays: device.kernels.strays, submits: device.queue.submits };
}

test('at random moments of random steps: answered at once, and the same adapter', async () => {
  const quiet = await run();
  expect(quiet.longestStepMs).toBeGreaterThan(18_000);
  const dispatchMs = Math.max(...quiet.submits.map((s) => s.longestMs));
  let givenUp = 0;
  const wish = fc.record({
    want: fc.constantFrom<Want>('pause', 'stop', 'preview'),
    step: fc.integer({ min: 0, max: STEPS - 1 }),
    ms: fc.integer({ min: 0, max: 19_500 }),
  });
  await fc.assert(
    fc.asyncProperty(wish, async (one) => {
      const { answeredMs, state, losses, strays, submits } = await run(one);
      expect(answeredMs, JSON.stringify(one)).toBeLessThanOrEqual(1000 + dispatchMs);
      expect(state).toEqual(quiet.state);
      expect(losses).toEqual(quiet.losses);
      if (submits.length > quiet.submits.length + 4) givenUp++;
      expect(strays).toBe(0);
    }),
    { numRuns: 24, seed: 11, endOnFailure: true },
  );
  expect(givenUp).toBeGreaterThan(12);
});
