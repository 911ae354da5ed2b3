// The training loop: a U-Net, photos as latents and settings in; an adapter, its history and events out. Read it from top to bottom.
import type { LoraWeights, StepReport, UNetEngine } from '../gpu/engine-types.ts';
import { Trouble } from '../trouble.ts';
import type { RunControls } from './controls.ts';
import type { TrainEvent } from './events.ts';
import { examples, type TrainingSet } from './examples.ts';
import { heldOutLoss, heldOutPhotos } from './held-out.ts';
import { type Pace, pace } from './pace.ts';
import type { TrainingSettings } from './settings.ts';
import { copyHistory, type History, isSane, newHistory, type Snapshot } from './snapshot.ts';

const IN_FLIGHT = 2; // steps: enough that the GPU never waits for the CPU
const SAVE_EVERY_STEPS = 50;
const SAVE_EVERY_MS = 30_000;
const SAVING_SHARE = 0.01; // of the run's time, that saving may take between its milestones
const FINISHED_MS = 1000; // steps under way that end by then are waited for when somebody wants the GPU; longer ones are given up
const SKIPS_IN_A_ROW = 16; // halving a loss scale of 2¹⁶ that often leaves 1: it is not the scale

/** Where the run is kept. Both resolve once it is safe. */
export interface Keeper {
  save(snapshot: Snapshot): Promise<void>;
  moment(step: number, lora: LoraWeights): Promise<void>;
}
export interface Training {
  unet: UNetEngine;
  set: TrainingSet;
  settings: TrainingSettings;
  initialLora: () => LoraWeights;
  from: Snapshot | null; // null = from the beginning
  controls: RunControls;
  keeper: Keeper;
  preview(step: number): Promise<void>;
  report(event: TrainEvent): void;
  now?: () => number; // ms, of a computer that is awake
}
export interface Ended {
  state: 'done' | 'stopped';
  history: History;
  msPerStep: number;
}

/**
 * Trains until `settings.steps` steps are taken or someone stops it, measuring, keeping and drawing at every milestone. Everything that
 * happens depends on the seed and the step alone, never on when somebody paused or looked, so that the same run ends in the same adapter.
 * Each turn of the loop takes a step, waits for a person who paused it, or ends: whatever the clock says, it cannot spin.
 * Rejects with Trouble 'numbers-ran-away' after going back to the last good save and keeping that.
 */
export async function train(training: Training): Promise<Ended> {
  const { unet, set, settings, initialLora, from, controls, keeper, preview, report } = training;
  const now = training.now ?? (() => performance.now());
  const clock = pace(now);
  let run = from ? copyHistory(from) : newHistory();
  let good: Snapshot | null = from;
  let savedAt = now();
  let savingMs = 0; // what the last save took
  let notSavedStep: number | null = null;
  let skipsInARow = 0;
  let gaveWay = false; // to an errand, since the last step: the next one waits, or steps would starve

  if (from) {
    unet.writeState(from.state);
    report({ kind: 'resumed', step: from.step });
  } else unet.writeLora(initialLora());

  try {
    if (run.heldOut.length === 0 && !controls.stopping) await milestone();
    while (!controls.stopping && (run.step < settings.steps || isUnsaved())) {
      await controls.doErrands();
      if (controls.paused || notSavedStep === run.step) await rest();
      const begun = run.step;
      await stepUntil(nextStop(run.step, settings));
      if (run.step > begun && isMilestone(run.step, settings)) await milestone();
      else if (!controls.paused && isUnsaved() && saveIsDue()) await save();
    }
    if (run.step > 0 && (isUnsaved() || !isMeasured(run))) await keep();
  } catch (error) {
    if (!(error instanceof Trouble && error.code === 'numbers-ran-away') || !good) throw error;
    unet.writeState(good.state);
    run = copyHistory(good);
    await keep();
    throw error;
  }
  await controls.doErrands();
  return {
    state: run.step >= settings.steps ? 'done' : 'stopped',
    history: copyHistory(run),
    msPerStep: clock.meanMsPerStep,
  };

  /**
   * Steps with two in flight up to step number `stop`, or until someone wants the GPU; what would then take long is given up, and redone later
   * from the same draws. Returns with none in flight, and not before one step was tried: only a pause or a stop may keep it from that, for those
   * end or wait.
   */
  async function stepUntil(stop: number): Promise<void> {
    const flying: Promise<StepReport>[] = [];
    let tried = 0;
    const mayGoOn = () => !controls.paused && !controls.stopping && (tried === 0 || !(controls.wanted || saveIsOld()));
    const givingUp = new AbortController();
    const unheard = controls.whenWanted(() => {
      const errand = !controls.paused && !controls.stopping;
      if (flying.length === 0 || (errand && gaveWay) || clock.msUntil(flying.length) <= FINISHED_MS) return;
      gaveWay ||= errand;
      givingUp.abort(GIVEN_UP);
    });
    clock.begin();
    try {
      for (;;) {
        while (flying.length < IN_FLIGHT && run.step + flying.length < stop && mayGoOn()) {
          const attempt = run.attempt + flying.length;
          const { micro, share } = examples(set, settings, attempt);
          const told = (report: StepReport) => ({ ...report, loss: report.loss / share });
          const step = unet.step(micro, givingUp.signal).then(told);
          step.catch(() => {}); // awaited below; should the one before it fail first, this one is nobody's
          flying.push(step);
          tried += 1;
        }
        const [oldest] = flying;
        if (!oldest) return;
        const came = await oldest;
        flying.shift();
        take(came);
      }
    } catch (error) {
      if (error !== GIVEN_UP) throw error;
      await Promise.allSettled(flying); // given up too: they come after it
    } finally {
      unheard();
    }
  }

  /** Writes down what one step came to. */
  function take({ step, loss, gradientNorm, learningRate, skipped }: StepReport): void {
    run.attempt += 1;
    gaveWay = false;
    skipsInARow = skipped ? skipsInARow + 1 : 0;
    if (skipsInARow >= SKIPS_IN_A_ROW || (!skipped && !(Number.isFinite(loss) && Number.isFinite(gradientNorm))))
      throw ranAway(!Number.isFinite(loss));
    clock.step();
    if (skipped) return;
    run.step += 1;
    if (step !== run.step) throw new Error(`the GPU counts ${step} steps, the CPU ${run.step}`);
    run.losses.push(loss);
    const { msPerStep } = clock;
    report({ kind: 'step', step, loss, gradientNorm, learningRate, msPerStep, msLeft: msLeft(clock, step, settings) });
  }

  /** The run's regular stops: kept, then drawn. */
  async function milestone(): Promise<void> {
    const begun = now();
    await keep();
    const wanted = run.step > 0 || settings.previewEvery > 0; // the strip's first cell; a run without a strip is drawn at its end
    if (wanted && !controls.stopping) await preview(run.step);
    clock.interruption(now() - begun);
  }

  /** Measures on held-out noise and stores what there is. */
  async function keep(): Promise<void> {
    if (!isMeasured(run)) {
      const loss = await heldOutLoss(unet, set, settings.seed, settings.heldOutDraws, (done, total) =>
        report({ kind: 'progress', progress: { phase: 'measuring', done, total } }),
      );
      if (!Number.isFinite(loss)) throw ranAway(true);
      run.heldOut.push({ step: run.step, loss });
      report({ kind: 'held-out', step: run.step, loss, on: heldOutPhotos(set).on });
    }
    await save();
  }

  /**
   * Stores the run as it is; a measured step is a moment, whose adapter is stored too (not at step 0, where there is none yet). A full disk
   * pauses the run: what is stored already stays good.
   */
  async function save(): Promise<void> {
    const begun = now();
    const state = await unet.readState();
    if (!isSane(state)) throw ranAway();
    const isMoment = run.step > 0 && isMeasured(run) && !run.moments.includes(run.step);
    const moments = isMoment ? [...run.moments, run.step] : run.moments;
    const snapshot: Snapshot = { ...copyHistory({ ...run, moments }), state };
    try {
      if (isMoment) await keeper.moment(run.step, await unet.readLora());
      await keeper.save(snapshot);
      run.moments = [...moments];
      good = snapshot;
      notSavedStep = null;
      report({ kind: 'saved', step: run.step });
    } catch (error) {
      if (!(error instanceof Trouble && error.code === 'disk-full') || controls.stopping) throw error;
      notSavedStep = run.step;
      report({ kind: 'not-saved', step: run.step, keptStep: good?.step ?? 0 });
      controls.pause();
    }
    savedAt = now();
    savingMs = Math.max(0, savedAt - begun);
  }

  /**
   * Paused: saved first, so that the tab may be closed; pictures may be drawn meanwhile. What could not be saved is tried again each time
   * somebody goes on, and while the disk is full it stays paused.
   */
  async function rest(): Promise<void> {
    if (isUnsaved() && notSavedStep !== run.step) await save();
    do {
      if (controls.paused) report({ kind: 'paused', step: run.step });
      await controls.whilePaused();
      if (controls.stopping) return;
      if (isUnsaved()) await save();
    } while (controls.paused);
    report({ kind: 'resumed', step: run.step });
  }

  function isUnsaved(): boolean {
    return good?.step !== run.step;
  }
  /** A clock that was set back says nothing of how old a save is. */
  function saveIsOld(): boolean {
    const age = now() - savedAt;
    return isUnsaved() && (age >= Math.max(SAVE_EVERY_MS, savingMs / SAVING_SHARE) || age < 0);
  }
  function saveIsDue(): boolean {
    const regular = run.step % SAVE_EVERY_STEPS === 0 && now() - savedAt >= savingMs / SAVING_SHARE;
    return run.step >= settings.steps || regular || saveIsOld();
  }
  /** `forward`: it was the forward pass that was not finite; stored in 16 bits, its activations overflowed. */
  function ranAway(forward = false): Trouble {
    const overflow = forward && settings.activations === 'f16' ? { overflow: true } : {};
    return new Trouble('numbers-ran-away', { step: run.step + 1, keptStep: good?.step ?? 0, ...overflow });
  }
}

/** Why a step was given up: somebody wants the GPU. No failure, and no attempt. */
const GIVEN_UP = new DOMException('somebody wants the GPU', 'AbortError');

const isMeasured = (run: History): boolean => run.heldOut.at(-1)?.step === run.step;

/** Steps at which the run is measured, kept and drawn: every `previewEvery`, and the last. */
const isMilestone = (step: number, { previewEvery, steps }: TrainingSettings): boolean =>
  step === steps || (previewEvery > 0 && step % previewEvery === 0);

/** The next step at which nothing may be in flight. */
function nextStop(step: number, { previewEvery, steps }: TrainingSettings): number {
  const after = (every: number) => (every > 0 ? (Math.floor(step / every) + 1) * every : Number.POSITIVE_INFINITY);
  return Math.min(steps, after(previewEvery), after(SAVE_EVERY_STEPS));
}

function msLeft(clock: Pace, step: number, { previewEvery, steps }: TrainingSettings): number {
  const milestones =
    1 + (previewEvery > 0 ? Math.floor((steps - 1) / previewEvery) - Math.floor(step / previewEvery) : 0);
  return clock.msLeft(steps - step, Math.max(0, milestones));
}
