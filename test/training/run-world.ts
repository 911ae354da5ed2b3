// A world for the model test of the run: virtual time, a toy GPU, a disk and a person with a script in; the real train(), controls, recovery,
// engine room and GPU turns run in it. Everything counts its calls and throws beyond a bound: a loop in microtasks would starve every timer.
import { noiseSchedule } from '../../src/diffusion/noise-schedule.ts';
import type { LoraWeights, UNetEngine } from '../../src/gpu/engine-types.ts';
import { type RunControls, runControls } from '../../src/training/controls.ts';
import type { TrainEvent } from '../../src/training/events.ts';
import type { EncodedPhoto, TrainingSet } from '../../src/training/examples.ts';
import { learningRates } from '../../src/training/learning-rate.ts';
import { trainThroughLosses } from '../../src/training/recover.ts';
import type { TrainingSettings } from '../../src/training/settings.ts';
import type { Snapshot } from '../../src/training/snapshot.ts';
import type { Ended } from '../../src/training/train.ts';
import { Trouble } from '../../src/trouble.ts';
import { engineRoom, type LoadedAdapter } from '../../src/worker/engine-room.ts';
import { gpuTurns } from '../../src/worker/gpu-turns.ts';
import { type ModelDevice, modelDevice, stateOf, VALUES } from './model-device.ts';
import { settings as toySettings } from './toy-run.ts';

export type Deed =
  | { what: 'pause' | 'resume' | 'stop' | 'picture' | 'picture given up' | 'preview' | 'lose' | 'lose late' }
  | { what: 'disk'; full: boolean }
  | { what: 'clock'; jump: number } // what the clock says, forwards or backwards
  | { what: 'freeze'; ms: number }; // a hidden tab, a sleeping computer: all that waits is late
/** Done at the `after`-th thing that happens since the deed before: an event of the run (at once), or something's end. */
export interface Cue {
  after: number;
  at: 'event' | 'end';
  deed: Deed;
}
export interface Scenario {
  steps: number;
  previewEvery: number;
  from: number; // step of the snapshot it goes on from; 0 = from the beginning
  skips: number; // fifths of the attempts that overflow: which, is for their noise level to say, as on a real GPU
  durations: number[]; // ms, one after another of whatever takes time, over and over
  script: Cue[];
}
export interface Outcome {
  ended: Ended | null;
  error: unknown;
  events: TrainEvent[];
  moments: Map<number, LoraWeights>;
  saved: Snapshot[];
  losses: number; // of devices
  givenUp: number; // steps
  turns: number;
  fullWhenStopped: boolean;
}

/** No honest run asks so often between two things that take time. */
const MOST_CALLS = 400;
/** Things that take time: an honest run of ten steps, lost four times, takes a few hundred. */
const MOST_TURNS = 3000;

const photo = (name: string, seed: number): EncodedPhoto => ({
  name,
  mean: Float32Array.from({ length: VALUES }, (_, i) => Math.sin(seed * (i + 1))),
  logVariance: new Float32Array(VALUES).fill(-2),
  encoderHiddenStates: Float32Array.of(seed),
});
const set: TrainingSet = {
  photos: [photo('a', 1), photo('b', 2)],
  keptAside: [photo('c', 3)],
  ...{ instancePrompt: Float32Array.of(100), emptyPrompt: Float32Array.of(101) },
  scalingFactor: 0.5,
  schedule: noiseSchedule({ beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear' }),
};
const another: LoadedAdapter = {
  ...{ key: 'another', rank: 1, alpha: 1 },
  weights: new Map([['toy', { down: new Float32Array(VALUES).fill(9), up: Float32Array.of(9) }]]),
};
export const snapshotAt = (step: number): Snapshot => ({
  ...{ step, attempt: step, losses: Array(step).fill(1), heldOut: [{ step: 0, loss: 1 }], moments: [] },
  state: stateOf(new Float32Array(VALUES + 1).fill(0.5), new Float32Array(VALUES + 1), step),
});

/** Runs a scenario to its end. Throws where the run spins, waits for nothing that will come, or takes more turns than any run needs. */
export async function live(scenario: Scenario): Promise<Outcome> {
  const settings: TrainingSettings = {
    ...{ ...toySettings, rank: 1, alpha: 1, heldOutDraws: 2, weights: 'f16' },
    ...{ steps: scenario.from + scenario.steps, previewEvery: scenario.previewEvery },
  };
  const rates = learningRates(settings);
  const outcome: Outcome = {
    ...{ ended: null, error: null, events: [], moments: new Map(), saved: [] },
    ...{ losses: 0, givenUp: 0, turns: 0, fullWhenStopped: false },
  };
  const world = { ms: 0, skew: 0, calls: 0, full: false, waiting: [] as { at: number; end: () => void }[] };
  const called = (): void => {
    if (++world.calls > MOST_CALLS) throw new Error('it spins');
  };
  let spent = 0;
  const duration = () => scenario.durations[spent++ % scenario.durations.length] as number;
  const takes = (ms: number): Promise<void> =>
    new Promise((end) => {
      world.waiting.push({ at: world.ms + ms, end });
    });

  const devices: ModelDevice[] = []; // of the run, the last one in use
  const turns = gpuTurns();
  const engines = engineRoom(async (spec) => {
    called();
    await takes(duration());
    const made = modelDevice({
      ...{ called, takes, duration, skips: scenario.skips },
      learningRates: spec.training ? rates : null,
    });
    if (spec.training) devices.push(made);
    return made.unet;
  });
  const controls = watched(runControls(), called);
  let unet: UNetEngine | null = null;
  const picture = async (given: AbortController) => {
    const drawn = turns.picture(given.signal, () =>
      engines.draw(another, { size: settings.resolution, weights: 'f16' }, async (on) => {
        await on.predict({ sample: new Float32Array(VALUES), timestep: 1, encoderHiddenStates: set.instancePrompt }, 1);
      }),
    );
    await drawn.catch(() => {});
  };
  const preview = async (on: UNetEngine) => {
    called();
    await on.predict({ sample: new Float32Array(VALUES), timestep: 1, encoderHiddenStates: set.instancePrompt }, 1);
    await takes(duration());
  };
  function carryOut(deed: Deed): void {
    switch (deed.what) {
      case 'pause':
      case 'resume':
        controls[deed.what]();
        break;
      case 'stop':
        outcome.fullWhenStopped ||= world.full;
        controls.stop();
        break;
      case 'picture':
        void picture(new AbortController());
        break;
      case 'picture given up': {
        const given = new AbortController();
        void picture(given);
        given.abort(new DOMException('given up', 'AbortError'));
        break;
      }
      case 'preview':
        if (turns.run) void controls.atBoundary(async () => unet && preview(unet)).catch(() => {});
        break;
      case 'lose':
      case 'lose late':
        if (devices.at(-1)?.lose(deed.what === 'lose late')) outcome.losses += 1;
        break;
      case 'disk':
        world.full = deed.full;
        if (controls.stopping) outcome.fullWhenStopped ||= deed.full;
        break;
      case 'clock':
        world.skew += deed.jump;
        break;
      case 'freeze':
        world.ms += deed.ms;
    }
  }
  let at = 0;
  let count = 0;
  const cue = (where: Cue['at']): void => {
    const next = scenario.script[at];
    if (!next || next.at !== where || ++count < next.after) return;
    at += 1;
    count = 0;
    carryOut(next.deed);
  };

  const keep = async (write: () => void): Promise<void> => {
    called();
    await takes(duration());
    if (world.full) throw new Trouble('disk-full', { neededBytes: 10, freeBytes: 1 });
    write();
  };
  let settled = false;
  const from = scenario.from > 0 ? snapshotAt(scenario.from) : null;
  const run = turns.training(controls, async () => {
    try {
      return await trainThroughLosses(
        async () => {
          unet = await engines.forTraining(settings);
          return unet;
        },
        {
          ...{ set, settings, controls, from, preview },
          initialLora: () =>
            new Map([['toy', { down: new Float32Array(VALUES).fill(0.25), up: Float32Array.of(0.5) }]]),
          keeper: {
            save: (snapshot) => keep(() => outcome.saved.push(snapshot)),
            moment: (step, lora) => keep(() => outcome.moments.set(step, lora)),
          },
          report(event) {
            called();
            outcome.events.push(event);
            cue('event');
          },
          now() {
            called();
            return world.ms + world.skew;
          },
        },
      );
    } finally {
      engines.trainingEnded();
    }
  });
  run
    .then(
      (ended) => {
        outcome.ended = ended;
      },
      (error: unknown) => {
        outcome.error = error;
      },
    )
    .finally(() => {
      settled = true;
    });

  for (;;) {
    world.calls = 0;
    await new Promise((macrotask) => setImmediate(macrotask));
    if (settled) return { ...outcome, givenUp: devices.reduce((sum, one) => sum + one.givenUp, 0) };
    if (++outcome.turns > MOST_TURNS) throw new Error('it takes for ever');
    const next = world.waiting.reduce<(typeof world.waiting)[number] | null>(
      (first, one) => (first && first.at <= one.at ? first : one),
      null,
    );
    if (next) {
      world.waiting.splice(world.waiting.indexOf(next), 1);
      world.ms = Math.max(world.ms, next.at);
      next.end();
      cue('end');
      continue;
    }
    // Nothing is under way: it must be waiting for a person, and have said so last of all.
    const said = outcome.events.findLast((event) => event.kind !== 'progress');
    if (!(controls.paused && said?.kind === 'paused')) throw new Error(`it waits for nothing; last: ${said?.kind}`);
    const todo = scenario.script[at++];
    count = 0;
    if (todo) carryOut(todo.deed);
    else {
      world.full = false;
      controls.resume();
    }
  }
}

/** The same controls, and every look at them counted. */
function watched(controls: RunControls, called: () => void): RunControls {
  return new Proxy(controls, {
    get(of, name) {
      called();
      return Reflect.get(of, name);
    },
  });
}
