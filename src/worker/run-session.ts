// A training job in; photos prepared, the run trained through lost devices, everything kept; its summary out.

import { adapterName } from '../adapter/file-name.ts';
import { initialWeights } from '../adapter/init.ts';
import { adapterTensorBytes } from '../adapter/write.ts';
import { normals } from '../diffusion/random.ts';
import type { LoraModule, UNetEngine } from '../gpu/engine-types.ts';
import type { RunControls } from '../training/controls.ts';
import { evidence } from '../training/evidence.ts';
import { trainThroughLosses } from '../training/recover.ts';
import { bestStep, type History, newHistory } from '../training/snapshot.ts';
import { Trouble } from '../trouble.ts';
import type { DrawRequest, Picture, RunSummary, TrainEvent, TrainingJob } from './api.ts';
import { type Canvas, drawLatents, finish, readPrompt } from './drawing.ts';
import type { EngineRoom } from './engine-room.ts';
import { checkJob, type PreparedRun, prepareRun } from './prepare-run.ts';
import type { AdapterStore, RunStore, StoredRun } from './stores.ts';

export interface RunNeeds {
  canvas: Canvas;
  resolution: number; // px
  engines: EngineRoom;
  runs: RunStore;
  adapters: AdapterStore;
  modules: readonly LoraModule[];
}
export interface RunSession {
  /** Trains to the end or a stop. */
  train(): Promise<RunSummary>;
  /** Draws a preview at the next step boundary. */
  previewNow(): Promise<void>;
  /** held-out.safetensors, once photos are encoded. */
  evidence(): Uint8Array | null;
}

const untilStopped = new AbortController().signal; // a preview is short: it is drawn to its end

export function runSession(
  needs: RunNeeds,
  job: TrainingJob,
  controls: RunControls,
  report: (event: TrainEvent) => void,
): RunSession {
  const { canvas, resolution, engines, runs, adapters } = needs;
  const { runId, modelId, identifier, classNoun, settings } = job;
  const fileBytes = adapterTensorBytes(needs.modules, settings.rank);
  const facts = {
    gpuBytes: { weights: 0, arena: 0, lora: 0, staging: 0, total: 0 },
    flopsPerStep: 0,
    dispatchesPerStep: 0,
  };
  let startedAt = Date.now();
  let prepared: PreparedRun | null = null;
  let msPerStep = 0;
  let now: { unet: UNetEngine; step: number } | null = null;

  const summary = (history: History, state: RunSummary['state']): RunSummary => ({
    runId,
    modelId,
    adapterId: runId, // one run, one adapter
    identifier,
    classNoun,
    settings,
    step: history.step,
    bestStep: bestStep(history),
    losses: history.losses,
    heldOut: history.heldOut,
    heldOutOn: settings.keptAside > 0 && job.photos.length > 1 ? 'kept-aside' : 'training',
    moments: history.moments,
    state,
    startedAt,
    msPerStep,
    ...facts,
  });
  const hear = (event: TrainEvent): void => {
    if (event.kind === 'step') msPerStep = event.msPerStep;
    if (now && (event.kind === 'step' || event.kind === 'resumed')) now.step = event.step;
    report(event);
  };

  async function makeEngine(): Promise<UNetEngine> {
    report({ kind: 'progress', progress: { phase: 'preparing-gpu', done: 0, total: 1 } });
    const unet = await engines.forTraining(settings);
    report({ kind: 'progress', progress: { phase: 'preparing-gpu', done: 1, total: 1 } });
    Object.assign(facts, {
      gpuBytes: unet.gpuBytes,
      flopsPerStep: unet.flopsPerStep,
      dispatchesPerStep: unet.dispatchesPerStep,
    });
    report({ kind: 'planned', ...facts, adapterBytes: fileBytes.kohya });
    now = { unet, step: 0 };
    return unet;
  }

  /** Stores what the page lists: the run, and the adapter as soon as it has a moment. */
  async function keep(history: History, state: RunSummary['state']): Promise<RunSummary> {
    const told = summary(history, state);
    if (history.moments.length > 0) {
      const { rank, alpha } = settings;
      const { moments } = history;
      const name = adapterName(identifier, classNoun);
      await adapters.save({
        ...{ adapterId: runId, name, identifier, classNoun, modelId, rank, alpha, moments },
        ...{ bestStep: told.bestStep, createdAt: startedAt, run: told, photos: job.photos.length, fileBytes },
      });
    }
    return told;
  }

  async function preview(unet: UNetEngine, step: number): Promise<void> {
    const begun = performance.now();
    const request: DrawRequest = {
      prompt: prepared!.prompt,
      negativePrompt: '',
      seed: settings.seed,
      steps: settings.previewSteps,
      guidance: 7.5,
      adapterId: runId,
      moment: step,
      strength: 1,
    };
    const onProgress = (progress: { phase: 'drawing' | string; done: number; total: number }) =>
      report({ kind: 'progress', progress: { ...progress, phase: 'drawing' } });
    const text = await readPrompt(canvas, request, () => {});
    const latents = await drawLatents(untilStopped, canvas, unet, request, text, 1, onProgress);
    const picture: Picture = await finish(canvas, latents, request, begun);
    report({ kind: 'preview', step, picture });
  }

  return {
    async train() {
      checkJob(job);
      const stored = await runs.load(runId);
      if (stored) checkSameRun(stored, job);
      startedAt = stored?.summary.startedAt ?? startedAt;
      prepared = await prepareRun(
        { ...canvas, resolution },
        job,
        () => controls.stopping,
        (progress) => report({ kind: 'progress', progress }),
      );
      let last: History = stored?.snapshot ?? newHistory();
      const { rank, seed } = settings;
      try {
        const ended = await trainThroughLosses(makeEngine, {
          set: prepared.set,
          settings,
          from: stored?.snapshot ?? null,
          initialLora: () =>
            initialWeights(needs.modules, rank, (module, count) =>
              normals({ seed, purpose: 'lora', sample: module }, count),
            ),
          controls,
          preview,
          report: hear,
          keeper: {
            async save(snapshot) {
              const told = await keep(snapshot, controls.paused ? 'paused' : 'running');
              await runs.save({ summary: told, snapshot, photos: job.photos.length });
              last = snapshot;
            },
            moment: (step, weights) => adapters.saveMoment(runId, step, weights),
          },
        });
        msPerStep = ended.msPerStep || msPerStep;
        return await end(ended.history, ended.state);
      } catch (error) {
        // Whatever ended it: the run says how far it is safe, and can be taken up from there.
        const ranAway = error instanceof Trouble && error.code === 'numbers-ran-away';
        if (last.step > 0) await end(last, ranAway ? 'stopped' : 'paused').catch(() => {});
        throw error;
      }
    },
    previewNow: () => controls.atBoundary(async () => now && preview(now.unet, now.step)).then(() => {}),
    evidence: () =>
      prepared &&
      evidence({
        set: prepared.set,
        seed: settings.seed,
        prompt: prepared.prompt,
        pixels: prepared.measuredPixels,
        height: resolution,
        width: resolution,
      }),
  };

  /** Writes down how the run ended, beside the last snapshot. */
  async function end(history: History, state: RunSummary['state']): Promise<RunSummary> {
    const told = await keep(history, state);
    const stored = await runs.load(runId);
    if (stored) await runs.save({ ...stored, summary: told });
    return told;
  }
}

/** What a stored run must have in common with the job that goes on with it: all that its numbers depend on but length and rate. */
function checkSameRun({ summary, photos }: StoredRun, job: TrainingJob): void {
  for (const setting of ['rank', 'alpha', 'seed', 'batch', 'accumulate', 'keptAside'] as const) {
    const [expected, got] = [summary.settings[setting], job.settings[setting]];
    if (expected !== got) throw new Trouble('bad-setting', { setting, expected: String(expected), got: String(got) });
  }
  if (photos !== job.photos.length)
    throw new Trouble('bad-setting', { setting: 'photos', expected: String(photos), got: String(job.photos.length) });
}
