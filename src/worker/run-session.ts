// A training job in; photos prepared, the run trained through lost devices, everything kept; its summary out.
import { initialWeights } from '../adapter/init.ts';
import type { DrawRequest, Picture } from '../diffusion/picture.ts';
import { tasteOf } from '../diffusion/picture-taste.ts';
import { normals } from '../diffusion/random.ts';
import type { LoraModule, UNetEngine } from '../gpu/engine-types.ts';
import { madeOtherwise } from '../gpu/made.ts';
import type { PreviewStore } from '../storage/preview-store.ts';
import { awakeClock } from '../training/awake-clock.ts';
import type { RunControls } from '../training/controls.ts';
import type { TrainEvent } from '../training/events.ts';
import { evidence } from '../training/evidence.ts';
import type { TrainingJob } from '../training/job.ts';
import { trainThroughLosses } from '../training/recover.ts';
import type { RunSummary } from '../training/run-summary.ts';
import { slowRun } from '../training/slow-run.ts';
import { type History, newHistory } from '../training/snapshot.ts';
import { Trouble } from '../trouble.ts';
import { checkJob } from './check-job.ts';
import { type Canvas, developOrSketch, drawLatents } from './drawing.ts';
import type { EngineRoom } from './engine-room.ts';
import { type PreparedRun, prepareRun, type ReadPixels } from './prepare-run.ts';
import { type RecordNeeds, runRecord } from './run-record.ts';

export interface RunNeeds extends RecordNeeds {
  canvas: Canvas;
  engines: Pick<EngineRoom, 'forTraining'>;
  modules: readonly LoraModule[];
  previews: PreviewStore;
  /** What so much work should take on this card, ms; null where nobody knows. */
  promisedMs?: (work: { flops: number; dispatches: number }) => number | null;
  readPixels: ReadPixels; // another one in tests: Node decodes no photos
}
export interface RunSession {
  /** Trains to the end or a stop. */
  train(): Promise<RunSummary>;
  /** Draws a preview at the next step boundary. */
  previewNow(): Promise<void>;
  /** held-out.safetensors, once photos are encoded. */
  evidence(): Uint8Array | null;
}

const TOLD_GAP_MS = 60_000; // shorter ones are a busy computer's
const untilStopped = new AbortController().signal; // a preview is short: it is drawn to its end

export function runSession(
  needs: RunNeeds,
  job: TrainingJob,
  controls: RunControls,
  report: (event: TrainEvent) => void,
): RunSession {
  const { canvas, engines, modules, previews, readPixels, promisedMs = () => null } = needs;
  const { settings } = job;
  const { seed, rank, resolution } = settings;
  const { guidance, scene } = tasteOf(job.modelId);
  const record = runRecord(needs, job, modules);
  let prepared: PreparedRun | null = null;
  let now: { unet: UNetEngine; step: number } | null = null; // what a preview is drawn with

  // Neither the time left nor what is remembered of this card counts sleep; what was slept through is told.
  const clock = awakeClock({
    onGap: (ms) => {
      if (ms >= TOLD_GAP_MS && !controls.paused) report({ kind: 'stood-still', ms });
    },
  });
  const slow = slowRun(clock.now, report);

  const progress = (done: number, total: number) =>
    report({ kind: 'progress', progress: { phase: 'preparing-gpu', done, total } });
  async function makeEngine(): Promise<UNetEngine> {
    progress(0, 1);
    const unet = await engines.forTraining(settings, record.made);
    const changed = madeOtherwise(record.made, unet.made);
    if (changed.length > 0) report({ kind: 'not-bitwise', changed });
    record.made = unet.made;
    progress(1, 1);
    const { gpuBytes, flopsPerStep, dispatchesPerStep } = unet;
    record.facts = { gpuBytes, flopsPerStep, dispatchesPerStep };
    const micro = settings.batch * settings.accumulate;
    slow.expect(promisedMs({ flops: flopsPerStep, dispatches: dispatchesPerStep }), micro);
    report({ kind: 'planned', ...record.facts, adapterBytes: record.fileBytes.kohya });
    now = { unet, step: 0 };
    return unet;
  }
  const hear = (event: TrainEvent): void => {
    if (event.kind === 'step') record.msPerStep = event.msPerStep;
    if (now && (event.kind === 'step' || event.kind === 'resumed')) now.step = event.step;
    slow.hear(event);
  };

  async function preview(unet: UNetEngine, step: number): Promise<void> {
    const begun = clock.now();
    const request: DrawRequest = {
      ...{ prompt: prepared!.prompt + scene, negativePrompt: '', seed, guidance },
      ...{ sampler: settings.previewSampler, steps: settings.previewSteps },
      ...{ adapterId: job.runId, moment: step, strength: 1, size: resolution, weights: settings.weights },
      ...(settings.clipSkip > 1 && { clipSkip: settings.clipSkip }),
    };
    // To the letter, like the captions: the run's engine reads 77 tokens.
    const [prompt, negativePrompt] = await canvas.encoders.textStates(
      [request.prompt, request.negativePrompt],
      request.clipSkip,
    );
    const text = { prompt: prompt!, negativePrompt: negativePrompt! };
    const latents = await drawLatents(untilStopped, canvas, unet, request, text, 1, (drawn) =>
      hear({ kind: 'progress', progress: drawn }),
    );
    const shown = await developOrSketch(canvas, latents, resolution, prepared!.sketch);
    await canvas.vae.rest(); // its memory is the run's
    const ms = clock.now() - begun;
    const picture: Picture = { ...shown, request, ms };
    canvas.timings.note({ kind: 'preview', settings }, ms);
    const undeveloped = shown.kind === 'sketch' ? latents : undefined;
    await previews.save(job.runId, step, picture, undeveloped).catch((error: unknown) => {
      // The strip is only for looking at: it may be missing a picture after a reload, the run goes on.
      if (!(error instanceof Trouble && error.code === 'disk-full')) throw error;
    });
    hear({ kind: 'preview', step, picture });
  }

  async function train(): Promise<RunSummary> {
    checkJob(job, canvas.sizes, modules);
    const stored = await record.load();
    if (stored?.damagedStep !== undefined)
      report({ kind: 'older-save', step: stored.snapshot.step, damagedStep: stored.damagedStep });
    prepared = await prepareRun(
      canvas,
      job,
      () => controls.stopping,
      (done) => report({ kind: 'progress', progress: done }),
      readPixels,
    );
    let last: History = stored?.snapshot ?? newHistory();
    try {
      const ended = await trainThroughLosses(makeEngine, {
        set: prepared.set,
        settings,
        from: stored?.snapshot ?? null,
        initialLora: () =>
          initialWeights(modules, rank, (module, count) => normals({ seed, purpose: 'lora', sample: module }, count)),
        controls,
        now: clock.now,
        preview,
        report: hear,
        keeper: {
          async save(snapshot) {
            await record.save(snapshot, controls.paused ? 'paused' : 'running');
            last = snapshot;
          },
          moment: record.moment,
        },
      });
      record.msPerStep = ended.msPerStep || record.msPerStep;
      canvas.timings.note({ kind: 'step', settings }, ended.msPerStep);
      return await record.end(ended.history, ended.state);
    } catch (error) {
      // Whatever ended it: the run says how far it is safe, and can be taken up from there.
      const ranAway = error instanceof Trouble && error.code === 'numbers-ran-away';
      if (last.step > 0) await record.end(last, ranAway ? 'stopped' : 'paused').catch(() => {});
      throw error;
    }
  }

  return {
    train: () => train().finally(clock.close),
    previewNow: () => controls.atBoundary(async () => (now ? preview(now.unet, now.step) : undefined)),
    evidence: () =>
      prepared &&
      evidence({
        ...{
          set: prepared.set,
          seed,
          draws: settings.heldOutDraws,
          prompt: prepared.prompt,
          pixels: prepared.measuredPixels,
        },
        ...{ height: resolution, width: resolution },
      }),
  };
}
