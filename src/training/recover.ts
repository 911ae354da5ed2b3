// Going on after a lost GPU: a way to make engines and a training in; the same training to its end, over lost devices and graphics held back.
import type { UNetEngine } from '../gpu/engine-types.ts';
import { orLost } from '../gpu/lost-device.ts';
import { Trouble } from '../trouble.ts';
import type { Snapshot } from './snapshot.ts';
import { type Ended, type Training, train } from './train.ts';

const LOSSES = 3; // from one save to the next; a fourth is not an accident
/** Graphics that the browser holds back are asked for again so many ms after they were refused: Chrome does for two minutes after two crashes. */
const HELD_MS = [1000, 10_000, 125_000];

/**
 * Runs `train`, and when the device is lost, also while an engine is made, makes a new one and goes on from the last save (from the beginning
 * where there is none): reported as 'device-lost', then 'resumed'. The fourth loss with no save in between rejects with Trouble 'device-lost'.
 * Graphics held back are waited for ('held-back'); a pause is answered meanwhile, a stop and the end of patience reject with Trouble
 * 'graphics-held'. Engines must notice their loss (`noticingLoss`, and 'device-lost' from `makeEngine`) and are the caller's to destroy.
 */
export async function trainThroughLosses(
  makeEngine: () => Promise<UNetEngine>,
  training: Omit<Training, 'unet' | 'preview'> & { preview(unet: UNetEngine, step: number): Promise<void> },
): Promise<Ended> {
  const { controls, report, now = () => performance.now() } = training;
  let from = training.from;
  const keptStep = (): number => from?.step ?? 0;
  const keeper = {
    ...training.keeper,
    async save(snapshot: Snapshot) {
      await training.keeper.save(snapshot);
      from = snapshot;
    },
  };
  let losses = 0;
  let lostWith = 0; // the step that was kept then
  for (;;) {
    try {
      const unet = await engineOnceGranted();
      return await train({ ...training, keeper, from, unet, preview: (step) => training.preview(unet, step) });
    } catch (error) {
      if (!isTrouble(error, 'device-lost')) throw error;
      const step = keptStep();
      losses = step > lostWith ? 1 : losses + 1;
      lostWith = step;
      if (losses > LOSSES) throw new Trouble('device-lost', { ...error.facts, step });
      report({ kind: 'device-lost', step });
    }
  }

  async function engineOnceGranted(): Promise<UNetEngine> {
    const begun = now();
    for (let asked = 0; ; asked++) {
      try {
        return await makeEngine();
      } catch (error) {
        if (!isTrouble(error, 'graphics-held')) throw error;
        const ms = HELD_MS[asked];
        const step = keptStep();
        if (ms === undefined) throw new Trouble('graphics-held', { step });
        report({ kind: 'held-back', step });
        await until(begun + ms);
        if (controls.stopping) throw new Trouble('graphics-held', { step });
      }
    }
  }

  /** Waits, for a stop no longer; who pauses is answered, and who has an errand is told how things are. */
  async function until(at: number): Promise<void> {
    while (!controls.stopping && now() < at) {
      if (controls.paused) await rest();
      await controls.doErrands();
      if (controls.wanted) continue;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          unheard();
          resolve();
        };
        const timer = setTimeout(wake, at - now());
        const unheard = controls.whenWanted(wake);
      });
    }
  }
  async function rest(): Promise<void> {
    if (from) await training.keeper.save(from).catch(() => {}); // what is new is only that it is paused
    report({ kind: 'paused', step: keptStep() });
    await controls.whilePaused();
    if (!controls.stopping) report({ kind: 'resumed', step: keptStep() });
  }
}

const isTrouble = <C extends Trouble['code']>(error: unknown, code: C): error is Trouble<C> =>
  error instanceof Trouble && error.code === code;

/** The same engine, but whatever is asked of it ends in Trouble 'device-lost' once its device is lost, even what would wait forever. */
export function noticingLoss(engine: UNetEngine): UNetEngine {
  const guard = orLost(engine.lost);
  return {
    modules: engine.modules,
    ...(engine.made && { made: engine.made }),
    gpuBytes: engine.gpuBytes,
    flopsPerStep: engine.flopsPerStep,
    dispatchesPerStep: engine.dispatchesPerStep,
    lost: engine.lost,
    predict: (inputs, strength) => guard(() => engine.predict(inputs, strength)),
    evaluate: (inputs, strength) => guard(() => engine.evaluate(inputs, strength)),
    step: (micro, signal) => guard(() => engine.step(micro, signal), signal),
    readLora: () => guard(() => engine.readLora()),
    readState: () => guard(() => engine.readState()),
    writeLora: (weights) => engine.writeLora(weights),
    writeState: (state) => engine.writeState(state),
    lend: (work) => guard(() => engine.lend(work)),
    destroy: () => engine.destroy(),
  };
}
