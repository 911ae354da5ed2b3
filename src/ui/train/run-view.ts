// In: a run as the page shows it and the events since; out: the run as it is now. Pure: state/run.svelte.ts feeds it in batches.
import type { GpuBytes, Phase, Picture, Progress, RunSummary, TrainEvent, TrainingSettings } from '../../worker/api.ts';
import type { Dot } from './verdict.ts';

export type RunStatus = 'preparing' | 'running' | 'paused' | 'done' | 'stopped' | 'failed';
/** A run as this page may treat it: `pausing` and `stopping` are asked for, `idle` is none. */
export type RunState =
  | 'idle'
  | 'preparing'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'stopping'
  | 'stopped'
  | 'done'
  | 'failed';
export interface Preview {
  step: number;
  picture: Picture;
}

export interface RunView {
  runId: string;
  settings: TrainingSettings;
  status: RunStatus;
  preparing: Progress[]; // one a phase, in the order they came
  doing: Phase | null; // what training waits for right now: measuring, drawing, saving
  step: number;
  losses: number[]; // losses[step − 1]; NaN where unknown
  heldOut: Dot[]; // by step
  heldOutOn: 'kept-aside' | 'training';
  previews: Preview[]; // by step
  learningRate: number;
  gradientNorm: number;
  msPerStep: number | null;
  msLeft: number | null;
  gpuBytes: GpuBytes | null;
  adapterBytes: number | null;
  savedStep: number;
  notches: number[]; // steps at which the run went on after a stop
  notSaved: { step: number; keptStep: number } | null; // the disk is full
  begunWith: Pick<RunSummary, 'modelId' | 'modelVersion'> | null; // the model an earlier visit began it with
  ownPhotos: number | null; // it learns from so many that it began with: the page's are others by now
  olderSave: { step: number; damagedStep: number } | null; // the newest save was damaged: it went on from the one before
  changed: Extract<TrainEvent, { kind: 'not-bitwise' }>['changed']; // since an earlier visit, so that its last bits may be others
  resets: number; // times the graphics card was reset since the page opened
  heldBack: boolean; // the browser gives no graphics for a while
  hung: boolean; // the last time that it went on by itself, it had stopped answering
  slowed: { step: number; times: number } | null; // steps take so many times as long as they should
  flopsPerStep: number;
  stoodStillMs: number; // asleep or frozen, since it was last told
  summary: RunSummary | null;
}

/** The same run, about to go on with these settings: what its last session came to does not stand in the way. */
export const goingOn = (view: RunView, settings: TrainingSettings): RunView => ({
  ...view,
  settings,
  status: 'preparing',
  preparing: [],
  ownPhotos: null,
  olderSave: null,
  changed: [],
  heldBack: false,
  summary: null,
});

export function newRun(runId: string, settings: TrainingSettings): RunView {
  return {
    runId,
    settings,
    status: 'preparing',
    preparing: [],
    doing: null,
    step: 0,
    losses: [],
    heldOut: [],
    heldOutOn: settings.keptAside > 0 ? 'kept-aside' : 'training',
    previews: [],
    learningRate: 0,
    gradientNorm: 0,
    msPerStep: null,
    msLeft: null,
    gpuBytes: null,
    adapterBytes: null,
    savedStep: 0,
    notches: [],
    notSaved: null,
    begunWith: null,
    ownPhotos: null,
    olderSave: null,
    changed: [],
    resets: 0,
    heldBack: false,
    hung: false,
    slowed: null,
    flopsPerStep: 0,
    stoodStillMs: 0,
    summary: null,
  };
}

/** A stored run as it stood when it was last saved: what the page shows until its first events arrive. */
export function storedRun(run: RunSummary): RunView {
  const ended = run.state === 'done' || run.state === 'stopped';
  return {
    ...newRun(run.runId, run.settings),
    status: ended ? (run.state as 'done' | 'stopped') : 'paused',
    step: run.step,
    losses: run.losses,
    heldOut: run.heldOut,
    heldOutOn: run.heldOutOn,
    msPerStep: run.msPerStep,
    msLeft: Math.max(0, run.settings.steps - run.step) * run.msPerStep,
    gpuBytes: run.gpuBytes,
    savedStep: run.step,
    begunWith: run,
    summary: ended ? run : null,
  };
}

/** With the pictures that it drew of itself in an earlier visit; newer ones stay. */
export const withPictures = (run: RunView, previews: readonly Preview[]): RunView => ({
  ...run,
  previews: [...previews.filter(({ step }) => step <= run.step), ...run.previews].reduce<Preview[]>(place, []),
});

const betweenSteps: readonly Phase[] = ['measuring', 'drawing', 'saving'];

/** Keeps a list ordered by step, one entry a step: after a resume the same step may come again. */
function place<T extends { step: number }>(list: readonly T[], entry: T): T[] {
  const last = list.at(-1);
  if (!last || last.step < entry.step) return [...list, entry];
  return [...list.filter((other) => other.step !== entry.step), entry].sort((a, b) => a.step - b.step);
}

/** Back to `step`: what came after it is trained again, so its numbers go. */
const backTo = (run: RunView, step: number): RunView => ({
  ...run,
  step,
  losses: run.losses.slice(0, step),
  heldOut: run.heldOut.filter((dot) => dot.step <= step),
  notches: step > 0 && run.notches.at(-1) !== step ? [...run.notches, step] : run.notches,
});

/** A batch at a time: `losses` is copied once for all of its steps. */
export function withEvents(before: RunView, events: readonly TrainEvent[]): RunView {
  let run: RunView = { ...before, losses: [...before.losses] };
  for (const event of events) {
    switch (event.kind) {
      case 'progress': {
        const { progress } = event;
        if (run.status !== 'preparing') {
          run.doing = betweenSteps.includes(progress.phase) ? progress.phase : run.doing;
          break;
        }
        const at = run.preparing.findIndex((other) => other.phase === progress.phase);
        run.preparing = at === -1 ? [...run.preparing, progress] : run.preparing.with(at, progress);
        break;
      }
      case 'held-back':
        run.heldBack = true;
        break;
      case 'planned':
        run.heldBack = false;
        run.gpuBytes = event.gpuBytes;
        run.adapterBytes = event.adapterBytes;
        run.flopsPerStep = event.flopsPerStep;
        break;
      case 'own-photos':
        run.ownPhotos = event.photos;
        break;
      case 'not-bitwise':
        run.changed = event.changed;
        break;
      case 'older-save':
        run.olderSave = { step: event.step, damagedStep: event.damagedStep };
        break;
      case 'resumed':
        run = { ...backTo(run, event.step), notSaved: null, status: run.status === 'paused' ? 'running' : run.status };
        break;
      case 'step':
        run.status = 'running';
        run.doing = null;
        run.step = event.step;
        while (run.losses.length < event.step - 1) run.losses.push(Number.NaN);
        run.losses[event.step - 1] = event.loss;
        run.learningRate = event.learningRate;
        run.gradientNorm = event.gradientNorm;
        run.msPerStep = event.msPerStep;
        run.msLeft = event.msLeft;
        break;
      case 'held-out':
        run.heldOut = place(run.heldOut, { step: event.step, loss: event.loss });
        run.heldOutOn = event.on;
        break;
      case 'preview':
        run.previews = place(run.previews, { step: event.step, picture: event.picture });
        break;
      case 'saved':
        run.savedStep = event.step;
        run.notSaved = null;
        break;
      case 'not-saved':
        run.notSaved = { step: event.step, keptStep: event.keptStep };
        run.savedStep = event.keptStep;
        break;
      case 'paused':
        run.status = 'paused';
        run.doing = null;
        break;
      case 'device-lost':
        run = { ...backTo(run, event.step), resets: run.resets + 1, savedStep: event.step, hung: false, slowed: null };
        break;
      case 'slowed':
        run.slowed = event.times > 1 ? { step: event.step, times: event.times } : null;
        break;
      case 'stood-still':
        run.stoodStillMs += event.ms;
        break;
      case 'no-answer':
        // Another worker, which reads the photos anew: it knows what was saved, the event only what was saved in this page.
        run = {
          ...backTo(run, run.savedStep),
          status: 'preparing',
          preparing: [],
          doing: null,
          hung: true,
          slowed: null,
        };
        break;
    }
  }
  return run;
}

/** The end: the summary's numbers are the exact ones. */
export const finished = (run: RunView, summary: RunSummary): RunView => ({
  ...run,
  status: summary.state === 'done' ? 'done' : 'stopped',
  doing: null,
  step: summary.step,
  losses: summary.losses,
  heldOut: summary.heldOut,
  heldOutOn: summary.heldOutOn,
  msLeft: 0,
  savedStep: summary.step,
  gpuBytes: summary.gpuBytes,
  summary,
});

/** 0…1 of the planned steps. */
export const share = (run: Pick<RunView, 'step' | 'settings'>): number =>
  run.settings.steps > 0 ? Math.min(1, run.step / run.settings.steps) : 0;
