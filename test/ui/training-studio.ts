// A fake studio that trains: losses like a real run's and blended sample photos for pictures. For looking at Train and Compare, and for their unit tests.
import { Trouble } from '../../src/trouble.ts';
import type { StudioCalls } from '../../src/ui/state/studio.ts';
import type {
  AdapterFile,
  AdapterInfo,
  DrawRequest,
  Picture,
  RunSummary,
  TrainEvent,
  TrainingJob,
  TrainingSettings,
} from '../../src/worker/api.ts';
import { fakeForecast } from './fake-forecast.ts';
import { type FakeOptions, FakeStudio } from './fake-studio.ts';

export interface TrainingOptions extends FakeOptions {
  msPerStep?: number;
  /** Real milliseconds a step takes here. */
  paceMs?: number;
  failAt?: number;
  loseDeviceAt?: number;
  /** Steps are told to be 20 times slower from here on. */
  slowAt?: number;
  /** It slept 43 minutes before this step. */
  stillAt?: number;
  /** Stop is not heard. */
  deaf?: boolean;
  bestAt?: number;
  runs?: RunSummary[];
  adapters?: AdapterInfo[];
  /** Previews are sketches: as large as the latents are. */
  sketches?: boolean;
  picture?: (request: DrawRequest, learned: number) => Promise<Blob>;
}

const gpuBytes = { weights: 14_000_000, arena: 96_000_000, lora: 1_200_000, staging: 600_000, total: 111_800_000 };
const adapterBytes = (rank: number): number => 61_000 * rank + 9000;
const noise = (step: number): number => {
  const x = Math.sin(step * 12.9898) * 43758.5453;
  return x - Math.floor(x);
};

export class TrainingStudio extends FakeStudio {
  readonly #options: TrainingOptions;
  readonly #runs: RunSummary[];
  #adapters: AdapterInfo[];
  #paused = false;
  #stopped = false;
  #preview = false;
  #ended = false;
  #job: TrainingJob | null = null;

  constructor(options: TrainingOptions = {}) {
    super(options);
    this.#options = options;
    this.#runs = [...(options.runs ?? [])];
    this.#adapters = [...(options.adapters ?? [])];
  }

  heldOut(step: number): number {
    const { bestAt = 400 } = this.#options;
    const fall = 0.164 - 0.044 * (1 - Math.exp((-2.2 * Math.min(step, bestAt)) / bestAt));
    return fall + (step > bestAt ? (0.004 * (step - bestAt)) / 100 : 0);
  }

  override async train(...[signal, job, on]: Parameters<StudioCalls['train']>): Promise<RunSummary> {
    const { settings } = job;
    this.#job = job;
    const { paceMs = 20, failAt, loseDeviceAt } = this.#options;
    const stored = this.#runs.find((run) => run.runId === job.runId);
    [this.#paused, this.#stopped, this.#preview, this.#ended] = [false, false, false, false];
    const losses = [...(stored?.losses ?? [])];
    const heldOut = [...(stored?.heldOut ?? [])];
    for (const [phase, total] of [
      ['encoding-photos', job.photos.length],
      ['preparing-gpu', 84],
    ] as const)
      for (let done = 0; done <= total; done++) {
        on({ kind: 'progress', progress: { phase, done, total } });
        await this.#wait(paceMs / 4, signal);
      }
    const plan = { flopsPerStep: 9e9, dispatchesPerStep: 512 };
    on({ kind: 'planned', gpuBytes, adapterBytes: adapterBytes(settings.rank), ...plan });
    if (stored) on({ kind: 'resumed', step: stored.step });
    let step = stored?.step ?? 0;
    let lost = false;
    const milestone = async () => {
      heldOut.push({ step, loss: this.heldOut(step) });
      on({ kind: 'held-out', step, loss: this.heldOut(step), on: settings.keptAside > 0 ? 'kept-aside' : 'training' });
      on({ kind: 'saved', step });
      on({ kind: 'progress', progress: { phase: 'drawing', done: 0, total: 20 } });
      on({ kind: 'preview', step, picture: await this.#sketch(job, step) });
    };
    if (heldOut.length === 0) await milestone();
    while (step < settings.steps && !this.#stopped) {
      await this.#wait(paceMs, signal);
      step++;
      if (step === failAt) throw new Trouble('numbers-ran-away', { step, keptStep: Math.floor(step / 50) * 50 });
      losses[step - 1] = this.heldOut(step) * (0.35 + 1.3 * noise(step));
      on(this.#step(step, losses[step - 1]!, settings));
      if (step === this.#options.slowAt) on({ kind: 'slowed', step, times: 20 });
      if (step === this.#options.stillAt) on({ kind: 'stood-still', ms: 43 * 60_000 });
      if (step === loseDeviceAt && !lost) {
        lost = true;
        step = Math.floor(step / 50) * 50;
        on({ kind: 'device-lost', step });
        on({ kind: 'resumed', step });
      }
      const due = step === settings.steps || (settings.previewEvery > 0 && step % settings.previewEvery === 0);
      if (due) await milestone();
      else if (step % 50 === 0) on({ kind: 'saved', step });
      if (this.#preview) {
        this.#preview = false;
        on({ kind: 'preview', step, picture: await this.#sketch(job, step) });
      }
      if (this.#paused) {
        on({ kind: 'saved', step });
        on({ kind: 'paused', step });
        while (this.#paused && !this.#stopped) await this.#wait(20, signal);
        on({ kind: 'resumed', step });
      }
    }
    return this.#end(job, step, losses, heldOut, plan);
  }

  #step(step: number, loss: number, settings: TrainingSettings): TrainEvent {
    const { msPerStep = 620 } = this.#options;
    const msLeft = (settings.steps - step) * msPerStep;
    return { kind: 'step', step, loss, learningRate: settings.learningRate, gradientNorm: 0.4, msPerStep, msLeft };
  }

  #end(
    job: TrainingJob,
    step: number,
    losses: number[],
    heldOut: { step: number; loss: number }[],
    plan: { flopsPerStep: number; dispatchesPerStep: number },
  ): RunSummary {
    const { settings, identifier, classNoun, modelId, runId } = job;
    const bestStep = heldOut.reduce((a, b) => (b.loss < a.loss ? b : a)).step;
    const moments = heldOut.map((dot) => dot.step).filter((at) => at > 0);
    const state = step >= settings.steps ? 'done' : 'stopped';
    const summary: RunSummary = {
      runId,
      modelId,
      adapterId: runId,
      identifier,
      classNoun,
      settings,
      step,
      bestStep,
      losses,
      heldOut,
      moments,
      state,
      heldOutOn: settings.keptAside > 0 ? 'kept-aside' : 'training',
      startedAt: Date.now(),
      msPerStep: this.#options.msPerStep ?? 620,
      gpuBytes,
      ...plan,
    };
    this.#runs.splice(0, this.#runs.length, ...this.#runs.filter((run) => run.runId !== runId), summary);
    this.#adapters = [...this.#adapters.filter((known) => known.adapterId !== runId), adapterOf(summary)];
    return summary;
  }

  override async pause(): Promise<void> {
    this.#paused = true;
  }
  override async resume(): Promise<void> {
    this.#paused = false;
  }
  override startAgain(): void {
    this.#ended = true;
  }
  override async stop(): Promise<void> {
    this.#stopped = !this.#options.deaf;
  }
  override async previewNow(): Promise<void> {
    this.#preview = true;
  }
  override async runs(): Promise<RunSummary[]> {
    return this.#runs;
  }
  override async forgetRun(runId: string): Promise<void> {
    this.#runs.splice(0, this.#runs.length, ...this.#runs.filter((run) => run.runId !== runId));
  }
  override async adapters(): Promise<AdapterInfo[]> {
    return this.#adapters;
  }
  override async deleteAdapter(adapterId: string): Promise<void> {
    this.#adapters = this.#adapters.filter((known) => known.adapterId !== adapterId);
  }
  override async adapterFile(
    ...[adapterId, moment, layout]: Parameters<StudioCalls['adapterFile']>
  ): Promise<AdapterFile> {
    this.calls.push(`adapterFile ${adapterId} ${moment} ${layout}`);
    return { name: 'aawxbc-figurine.safetensors', bytes: new Uint8Array(1000) };
  }
  override async forecast(settings: TrainingSettings): ReturnType<StudioCalls['forecast']> {
    if (this.#options.msPerStep === undefined) return super.forecast(settings);
    return fakeForecast(settings, this.#options.msPerStep || null);
  }
  override async developPreview(
    ...[signal, runId, step, onProgress]: Parameters<StudioCalls['developPreview']>
  ): Promise<Picture> {
    this.calls.push(`develop ${runId} ${step}`);
    for (let done = 0; done <= 8; done++) {
      onProgress({ phase: 'drawing', done, total: 8 });
      await this.#wait(this.#options.delayMs ?? 0, signal);
    }
    const run = this.#runs.find((known) => known.runId === runId);
    return this.#picture(previewOf(this.#job!), step / (run?.settings.steps ?? 700));
  }
  override async draw(...[signal, request, onProgress]: Parameters<StudioCalls['draw']>): Promise<Picture> {
    this.calls.push(
      `draw ${request.adapterId ?? 'without'} ${request.moment ?? 'best'} ${request.strength} seed ${request.seed}`,
    );
    for (let done = 1; done <= request.steps; done++) {
      await this.#wait(this.#options.delayMs ?? 0, signal);
      onProgress({ phase: 'drawing', done, total: request.steps });
    }
    const learned = request.moment === null ? 1 : request.moment / 700;
    return this.#picture(request, request.adapterId ? request.strength * learned : 0);
  }

  async #sketch(job: TrainingJob, step: number): Promise<Picture> {
    const picture = await this.#picture(previewOf(job), step / job.settings.steps);
    return this.#options.sketches ? { ...picture, kind: 'sketch', png: await smaller(picture.png) } : picture;
  }
  async #picture(request: DrawRequest, learned: number): Promise<Picture> {
    const png = this.#options.picture
      ? await this.#options.picture(request, learned)
      : new Blob([JSON.stringify(request)]);
    return { kind: 'full', png, width: 128, height: 128, request, ms: 900 };
  }
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    signal.throwIfAborted();
    if (this.#ended) throw new DOMException('ended', 'AbortError');
  }
}

async function smaller(png: Blob): Promise<Blob> {
  if (typeof OffscreenCanvas === 'undefined') return png;
  const canvas = new OffscreenCanvas(48, 48);
  canvas.getContext('2d')!.drawImage(await createImageBitmap(png), 0, 0, 48, 48);
  return canvas.convertToBlob();
}
const previewOf = (job: TrainingJob): DrawRequest => ({
  prompt: `a photo of ${job.identifier} ${job.classNoun}`,
  negativePrompt: '',
  seed: 42,
  steps: 20,
  guidance: 7.5,
  adapterId: job.runId,
  moment: null,
  strength: 1,
  size: job.settings.resolution,
  weights: job.settings.weights,
});
const adapterOf = (run: RunSummary): AdapterInfo => ({
  adapterId: run.adapterId,
  name: `${run.identifier}-${run.classNoun}`,
  identifier: run.identifier,
  classNoun: run.classNoun,
  modelId: run.modelId,
  rank: run.settings.rank,
  moments: run.moments,
  bestStep: run.bestStep,
  createdAt: run.startedAt,
  fileBytes: { kohya: adapterBytes(run.settings.rank), diffusers: 2 * adapterBytes(run.settings.rank) },
});
