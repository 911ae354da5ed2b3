// The Studio as the worker has it: calls from the page in, sessions of model, run, picture and adapters behind them. Orchestration only.
import { adapterTensorBytes } from '../adapter/write.ts';
import { readPhoto } from '../dataset/read-photo.ts';
import { findAdapter } from '../gpu/device.ts';
import { reportOf } from '../gpu/report.ts';
import { runControls } from '../training/controls.ts';
import { type AdapterShelf, adapterShelf } from './adapter-shelf.ts';
import type { GpuReport, OnProgress, Project } from './api.ts';
import { checkRequest, drawLatents, finish, readPrompt } from './drawing.ts';
import { gpuTurns } from './gpu-turns.ts';
import { type ModelFiles, type ModelSession, modelSession } from './model-session.ts';
import { type RunSession, runSession } from './run-session.ts';
import type { AdapterStore, PreviewStore, RunStore } from './stores.ts';
import { suggestName } from './suggest-name.ts';
import { inOneTab } from './tab-lock.ts';
import { planOf } from './unet-engines.ts';
import type { Ticket, WireStudio } from './wire.ts';

export interface Kept {
  /** `page`: the page's address. */
  openModel(signal: AbortSignal, modelId: string, page: string, onProgress: OnProgress): Promise<ModelFiles>;
  runs: RunStore;
  adapters: AdapterStore;
  previews: PreviewStore;
  project: { save(project: Project): Promise<void>; load(): Promise<Project | null> };
}

export function createStudio(kept: Kept): WireStudio {
  const turns = gpuTurns();
  const shelf: AdapterShelf = adapterShelf(kept.adapters);
  const tickets = new Map<Ticket, AbortController>();
  let page = '';
  let model: ModelSession | null = null;
  let session: { runId: string; run: RunSession } | null = null; // the last one trained here
  let gpuReport: GpuReport | null = null;
  /** Who hears of weights going up and kernels being compiled: whoever's turn it is. */
  let hearGpu: OnProgress = () => {};

  const opened = (): ModelSession => {
    if (!model) throw new Error('no model is open: call openModel first');
    return model;
  };
  /** A long call under its ticket, with a signal that cancel(ticket) aborts. */
  const under = async <T>(ticket: Ticket, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const stop = new AbortController();
    tickets.set(ticket, stop);
    try {
      return await work(stop.signal);
    } finally {
      tickets.delete(ticket);
    }
  };
  const inspect = async (): Promise<GpuReport> => {
    gpuReport = reportOf(await findAdapter());
    return gpuReport;
  };

  return {
    async begin(address) {
      page = address;
    },
    inspect,
    cancel: async (ticket) => tickets.get(ticket)?.abort(),

    models: async () => [],
    storage: async () => ({ usedBytes: null, freeBytes: null, persisted: false }),
    acceptLicence: async () => {},
    fetchModel: async () => {},
    importModel: async () => {
      throw new Error('not built yet');
    },
    trustModel: async () => {},
    doubtModel: async () => {},
    deleteModel: async () => {},
    measure: async () => 0,
    developPreview: async () => {
      throw new Error('not built yet');
    },

    openModel: (ticket, modelId, onProgress) =>
      under(ticket, async (signal) => {
        if (model?.info.id === modelId) return model.info;
        if (turns.run) throw new Error('a training is under way: stop it before another model is opened');
        const files = await kept.openModel(signal, modelId, page, onProgress);
        const next = await modelSession(files, (progress) => hearGpu(progress));
        await model?.close();
        model = next;
        return model.info;
      }),

    readPhoto: (ticket, name, file, known, needs) =>
      under(ticket, async (signal) => {
        const reading = await readPhoto(name, file, known, needs);
        signal.throwIfAborted();
        return reading;
      }),

    async tokens(text, identifier) {
      const { tokenizer } = opened();
      return {
        ...tokenizer.pieces(text),
        ...tokenizer.judge(identifier),
        wordsCut: tokenizer.encodePadded(text).cutWords,
      };
    },
    suggestIdentifier: async () => suggestName(opened().tokenizer),

    async forecast(settings) {
      const { rank, alpha, batch, accumulate } = settings;
      const { unet, info, modules } = opened();
      const { gpuBytes, flopsPerStep } = planOf(
        unet,
        { rank, alpha, training: settings },
        gpuReport ?? (await inspect()),
      );
      const adapterBytes = adapterTensorBytes(modules, rank).kohya;
      // A step's time hardly depends on the rank: any earlier run on this computer with as many samples a step tells it.
      const alike = (await kept.runs.list())
        .filter((run) => run.modelId === info.id && run.msPerStep > 0)
        .filter((run) => run.settings.batch * run.settings.accumulate === batch * accumulate)
        .sort((a, b) => b.startedAt - a.startedAt);
      const msPerStep = alike[0]?.msPerStep ?? null;
      return { gpuBytes, phases: [], peakGpuBytes: gpuBytes.total, flopsPerStep, adapterBytes, msPerStep };
    },

    draw: (ticket, request, onProgress) =>
      under(ticket, async (signal) => {
        const { canvas, engines } = opened();
        checkRequest(request, canvas.schedule);
        const text = await readPrompt(canvas, request, onProgress);
        const { adapterId, moment } = request;
        const adapter = adapterId === null || request.strength === 0 ? null : await shelf.load(adapterId, moment);
        const strength = adapter ? request.strength : 0;
        const { begun, latents } = await turns.picture(signal, async () => {
          const begun = performance.now();
          if (!turns.run) hearGpu = onProgress;
          const latents = await engines.draw(adapter, (unet) =>
            drawLatents(signal, canvas, unet, request, text, strength, onProgress),
          );
          return { begun, latents };
        });
        return finish(canvas, latents, request, begun);
      }),

    train: (ticket, job, onEvent) =>
      under(ticket, (signal) =>
        inOneTab(async () => {
          const { canvas, engines, modules, info } = opened();
          if (job.modelId !== info.id) throw new Error(`the run is of model ${job.modelId}, open is ${info.id}`);
          const controls = runControls();
          signal.addEventListener('abort', () => controls.stop());
          const needs = { ...kept, canvas, engines, modules, resolution: info.resolution };
          const run = runSession(needs, job, controls, onEvent);
          session = { runId: job.runId, run };
          return turns.training(controls, async () => {
            hearGpu = (progress) => onEvent({ kind: 'progress', progress });
            try {
              return await run.train();
            } finally {
              engines.trainingEnded();
            }
          });
        }),
      ),

    pause: async () => turns.run?.pause(),
    resume: async () => turns.run?.resume(),
    async stop() {
      turns.run?.stop();
    },
    async previewNow() {
      if (turns.run) await session?.run.previewNow();
    },

    runs: () => kept.runs.list(),
    previews: (runId) => kept.previews.list(runId),
    async forgetRun(runId) {
      await kept.runs.forget(runId);
      await kept.previews.forget(runId);
    },
    adapters: () => shelf.list(),
    adapterFile: (adapterId, moment, layout) => shelf.file(adapterId, moment, layout),
    readAdapter: (name, file) => shelf.take(name, file, { id: opened().info.id, modules: opened().modules }),
    deleteAdapter: (adapterId) => kept.adapters.forget(adapterId),
    async evidence(runId) {
      const bytes = session?.runId === runId ? session.run.evidence() : null;
      if (!bytes) throw new Error(`run ${runId} was not trained since the page was opened: its photos are not at hand`);
      return bytes;
    },
    saveProject: (project) => kept.project.save(project),
    loadProject: () => kept.project.load(),
  };
}
