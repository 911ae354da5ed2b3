// A whole run of a tiny U-Net over a fake GPU: what each requestAdapter gives, settings and somebody's hands in; how it ended, its events and last
// state out. The real training loop, recovery, GPU turns, engine room, engines, lane and programs.
import { requestGpu } from '../../src/gpu/device.ts';
import { enginePrograms } from '../../src/gpu/engine-plan.ts';
import type { UNetEngine } from '../../src/gpu/engine-types.ts';
import { type RunControls, runControls } from '../../src/training/controls.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import { trainThroughLosses } from '../../src/training/recover.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import type { Snapshot } from '../../src/training/snapshot.ts';
import { Trouble, type TroubleCode } from '../../src/trouble.ts';
import { type EngineRoom, engineRoom } from '../../src/worker/engine-room.ts';
import { gpuTurns } from '../../src/worker/gpu-turns.ts';
import { modulesOf, type UNetFiles, unetEngines } from '../../src/worker/unet-engines.ts';
import { settings as toySettings } from '../training/toy-run.ts';
import { type Answers, FakeGpu } from './adapter.ts';
import { constants } from './device.ts';
import { config, engineOptions, example, trainingSet, weightsFor } from './engines.ts';
import { FakeTime } from './time.ts';

export const files: UNetFiles = {
  ...{ config, downscale: 8, sizes: [64] },
  tensors: weightsFor(enginePrograms({ ...engineOptions, weightStorage: 'f16' }, 2 ** 27).weights),
};
export const settings: TrainingSettings = {
  ...{ ...toySettings, resolution: 64, batch: 1, accumulate: 1, rank: 2, alpha: 2 },
  ...{ steps: 6, previewEvery: 2, heldOutDraws: 2 },
};
export type Outcome = 'done' | 'stopped' | TroubleCode;
export interface Ran {
  outcome: Outcome;
  facts: unknown; // of the trouble
  events: TrainEvent[];
  /** The last that was kept. */
  state: Snapshot | null;
  gpu: FakeGpu;
  time: FakeTime;
}
export interface Hands {
  controls: RunControls;
  engines: EngineRoom;
  gpu: FakeGpu;
  time: FakeTime;
}
export interface RunOptions {
  blocks?: boolean;
  change?: Partial<TrainingSettings>;
  onEvent?: (event: TrainEvent, hands: Hands) => void;
}

/** A GPU, and what of the app holds engines on it, in a time of its own or another's; `end` puts the globals back. */
export function fakeTab(answers: Answers, blocks = false, time = new FakeTime()) {
  Object.assign(globalThis, constants);
  const gpu = new FakeGpu(time, answers, blocks);
  const end = time.install();
  const unets = unetEngines(
    files,
    () => {},
    () => requestGpu(gpu.gpu),
  );
  return { time, gpu, engines: engineRoom(unets.build), unets, end };
}

/** Trains to whatever end. @throws what is no Trouble, and where it hangs. */
export async function liveRun(answers: Answers, { blocks, change, onEvent }: RunOptions = {}): Promise<Ran> {
  const { time, gpu, engines, unets, end } = fakeTab(answers, blocks);
  const ran: Ran = { outcome: 'done', facts: null, events: [], state: null, gpu, time };
  const controls = runControls();
  const all = { ...settings, ...change };
  const preview = async (unet: UNetEngine): Promise<void> => {
    await unet.predict(example(5), 1);
  };
  const work = gpuTurns().training(controls, () =>
    trainThroughLosses(() => engines.forTraining(all), {
      ...{ set: trainingSet, settings: all, from: null, controls, preview, now: time.now },
      initialLora: () =>
        new Map(
          modulesOf(files).map(({ name, inFeatures, outFeatures }) => [
            name,
            { down: new Float32Array(all.rank * inFeatures).fill(0.25), up: new Float32Array(all.rank * outFeatures) },
          ]),
        ),
      keeper: {
        async save(snapshot) {
          ran.state = snapshot;
        },
        async moment() {},
      },
      report(event) {
        ran.events.push(event);
        onEvent?.(event, { controls, engines, gpu, time });
      },
    }),
  );
  try {
    ran.outcome = (await time.until(work)).state;
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    [ran.outcome, ran.facts] = [error.code, error.facts];
  } finally {
    engines.close();
    unets.close();
    end();
  }
  return ran;
}

/** What was told, without progress. */
export const kinds = ({ events }: Ran): string[] =>
  events.filter((e) => e.kind !== 'progress').map((e) => ('step' in e ? `${e.kind} ${e.step}` : e.kind));
