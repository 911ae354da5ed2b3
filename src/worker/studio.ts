// The Studio as the worker has it: calls from the page in, sessions of model, run, picture and adapters behind them. Orchestration only.
import { fileKinds } from '../files/file-kind.ts';
import { promisedMs, timedOn } from '../gpu/cards.ts';
import { findAdapter } from '../gpu/device.ts';
import { type GpuReport, reportOf } from '../gpu/report.ts';
import { TEXT_TOKENS } from '../model/graphs.ts';
import type { OnProgress } from '../progress.ts';
import { wholeAdapters, wholeRuns } from '../storage/earlier.ts';
import { timed } from '../training/awake-clock.ts';
import { measureSteps } from '../training/measure.ts';
import { type FileOrigin, Trouble } from '../trouble.ts';
import { type AdapterShelf, adapterShelf } from './adapter-shelf.ts';
import { blaming } from './blame.ts';
import { bench } from './card-bench.ts';
import { cardLock } from './card-lock.ts';
import { judgedDecode } from './decode-fits.ts';
import {
  type Canvas,
  checkRequest,
  checkSize,
  checkWeights,
  develop,
  drawLatents,
  readPrompt,
  type Shown,
  tokensOf,
} from './drawing.ts';
import { earlierBase } from './earlier-base.ts';
import { pictureSpec } from './engine-room.ts';
import { forecast } from './forecast.ts';
import { busyTraining, gpuTurns } from './gpu-turns.ts';
import type { Kept, ModelShelf } from './kept.ts';
import { type ModelSession, modelSession } from './model-session.ts';
import { suggestName } from './suggest-name.ts';
import { takePhoto } from './take-photo.ts';
import { tickets } from './tickets.ts';
import { timings } from './timings.ts';
import { trainings } from './trainings.ts';
import type { WireStudio } from './wire.ts';

export function createStudio(stored: Kept): WireStudio {
  const kept = { ...stored, runs: wholeRuns(stored.runs), adapters: wholeAdapters(stored.adapters) };
  const turns = gpuTurns();
  const letGo = async () => model?.letGo();
  const card = cardLock(letGo);
  const shelf: AdapterShelf = adapterShelf(kept.adapters, (modelId) => earlierBase(models, modelId));
  let models: ModelShelf = kept.models(globalThis.location?.href ?? 'http://localhost/'); // until begin() says better
  let model: ModelSession | null = null;
  let tidied: Promise<void> | null = null;
  let gpuReport: GpuReport | null = null;
  /** Who hears of weights going up and kernels being compiled: whoever's turn it is. */
  let hearGpu: OnProgress = () => {};

  const opened = (): ModelSession => {
    if (!model) throw new Trouble('no-model', {}, 'no model is open: call openModel first');
    return model;
  };
  const originOf = (modelId: string | undefined): FileOrigin =>
    modelId === undefined || models.canFetch(modelId) ? 'fetched' : 'disk';
  const { under, cancel } = tickets(() => originOf(model?.info.id));
  const inspect = async (): Promise<GpuReport> => {
    gpuReport = reportOf(await findAdapter());
    return gpuReport;
  };
  const seen = async (): Promise<GpuReport> => gpuReport ?? (await inspect());
  /** Decodes in its turn on the GPU; while a run goes on, the memory is the run's again afterwards. */
  const decoded = async (canvas: Canvas, latents: Float32Array, size: number): Promise<Shown> => {
    const shown = await develop(canvas, latents, size);
    if (turns.run) await canvas.vae.rest();
    return shown;
  };

  const runs = trainings({
    ...{ kept, turns, card, opened },
    promisedMs: (work) => gpuReport && promisedMs(gpuReport, work),
    hearGpu: (hear) => {
      hearGpu = hear;
    },
  });

  return {
    async begin(address) {
      if (address !== '') models = kept.models(address);
    },
    ping: async () => {},
    inspect,
    cancel: async (ticket) => cancel(ticket),

    models: () => models.list(),
    storage: () => models.storage(),
    acceptLicence: (modelId) => models.acceptLicence(modelId),
    fetchModel: (ticket, modelId, onTransfer) =>
      under(ticket, (signal) => models.fetch(signal, modelId, onTransfer), 'fetched'),
    importModel: (ticket, files, onTransfer) =>
      under(ticket, (signal) => models.takeIn(signal, files, onTransfer), 'disk', files[0]?.path),
    trustModel: (modelId) => models.trust(modelId),
    doubtModel: (modelId) => models.doubt(modelId),
    async deleteModel(modelId) {
      if (model?.info.id === modelId) {
        if (turns.run) throw busyTraining();
        await model.close();
        model = null;
      }
      await models.remove(modelId);
    },

    openModel: (ticket, modelId, onProgress) =>
      under(
        ticket,
        async (signal) => {
          if (model?.info.id === modelId) return model.info;
          if (turns.run) throw busyTraining();
          const files = await models.open(signal, modelId, onProgress);
          const timed = timings(kept.timings, modelId, async () => timedOn(await seen()));
          const next = await modelSession(files, (progress) => hearGpu(progress), timed);
          await model?.close();
          model = next;
          return model.info;
        },
        originOf(modelId),
      ),

    recognise: fileKinds,
    readPhoto: (ticket, id, name, file, known, needs) =>
      under(ticket, (signal) => takePhoto(kept.project, signal, { id, name, file }, known, needs)),

    async tokens(text, identifier) {
      const { tokenizer } = opened();
      return {
        ...tokenizer.pieces(text),
        ...tokenizer.judge(identifier),
        wordsCut: tokenizer.encodePadded(text).cutWords,
        chunks: tokenizer.chunks(text).length,
      };
    },
    suggestIdentifier: async () => suggestName(opened().tokenizer),

    forecast: async (settings) => forecast(opened(), settings, await seen(), await kept.runs.list()),

    draw: (ticket, request, onProgress, unasked = false) =>
      under(ticket, async (signal) => {
        const { canvas, engines } = opened();
        checkRequest(request, canvas);
        const text = await readPrompt(canvas, request, onProgress);
        const { adapter, strength } = await shelf.asked(request);
        const inTurn = () =>
          turns.picture(signal, async () => {
            const begun = performance.now();
            if (!turns.run) hearGpu = onProgress;
            const spec = { ...request, textTokens: tokensOf(text, canvas) };
            const { latents, weights } = await engines.draw(adapter, spec, async (unet, weights) => ({
              weights,
              latents: await drawLatents(signal, canvas, unet, request, text, strength, onProgress),
            }));
            const decoding = pictureSpec({ size: request.size, weights }, adapter?.rank);
            const picture = await decoded(canvas, latents, request.size).catch(async (error: unknown) => {
              throw judgedDecode(error, opened(), decoding, await seen());
            });
            return { ...picture, request: { ...request, weights }, ms: performance.now() - begun };
          });
        return card.use('drawing', inTurn, { unasked, signal });
      }),

    measure: (ticket, settings, onProgress) =>
      under(ticket, async (signal) => {
        const { engines, info, unet, canvas } = opened();
        if (turns.run) throw busyTraining();
        checkSize('resolution', settings.resolution, info.sizes);
        checkWeights(settings.weights);
        const inTurn = async () => {
          hearGpu = onProgress;
          const latentValues = 4 * (settings.resolution / unet.downscale) ** 2;
          const textValues = TEXT_TOKENS * unet.config.crossAttentionDim;
          const { result: ms } = await engines.trial(settings, (trial) =>
            timed((now) =>
              measureSteps(
                signal,
                { unet: trial, settings, latentValues, textValues },
                (done, total) => onProgress({ phase: 'measuring', done, total }),
                now,
              ),
            ),
          );
          canvas.timings.note({ kind: 'step', settings }, ms);
          return ms;
        };
        return card.use('measuring', () => turns.picture(signal, inTurn), { signal });
      }),

    bench: (ticket, budgetMs, onProgress) =>
      under(ticket, (signal) => bench({ turns, card, letGo }, signal, budgetMs, onProgress)),

    developPreview: (ticket, runId, step, onProgress) =>
      under(ticket, async (signal) => {
        const { canvas } = opened();
        const preview = (await kept.previews.list(runId)).find((one) => one.step === step);
        if (!preview) throw new Trouble('gone', { what: 'run', name: `step ${step}` });
        const latents = await kept.previews.latents(runId, step);
        if (!latents) return preview.picture; // it is developed
        const begun = performance.now();
        onProgress({ phase: 'drawing', done: 0, total: 1 });
        const { request } = preview.picture;
        const inTurn = () => turns.picture(signal, () => decoded(canvas, latents, request.size));
        const shown = await card.use('drawing', inTurn, { signal });
        signal.throwIfAborted();
        const picture = { ...shown, request, ms: preview.picture.ms + performance.now() - begun };
        await kept.previews.save(runId, step, picture);
        onProgress({ phase: 'drawing', done: 1, total: 1 });
        return picture;
      }),

    train: (ticket, job, onEvent) => under(ticket, (signal) => runs.train(signal, job, onEvent)),
    pause: async () => runs.pause(),
    resume: async () => runs.resume(),
    stop: async () => runs.stop(),
    previewNow: () => runs.previewNow(),

    runs: () => kept.runs.list(),
    previews: (runId) => kept.previews.list(runId),
    async forgetRun(runId) {
      await kept.runs.forget(runId);
      await kept.previews.forget(runId);
      await kept.runPhotos.forget(runId);
      await kept.classes.forget(runId);
    },
    adapters: () => shelf.list(),
    adapterFile: (adapterId, moment, layout, numbers) => shelf.file(adapterId, moment, layout, numbers),
    readAdapter: (name, file) =>
      blaming(
        'disk',
        () => shelf.take(name, file, () => ({ id: opened().info.id, modules: opened().everyModule() })),
        name,
      ),
    mergeAdapters: (choices) => shelf.merge(choices),
    renameAdapter: shelf.rename,
    deleteAdapter: (adapterId) => kept.adapters.forget(adapterId),
    async evidence(runId) {
      const bytes = runs.evidence(runId);
      if (!bytes) throw new Error(`run ${runId} was not trained since the page was opened: its photos are not at hand`);
      return bytes;
    },
    saveProject: (change, known) => kept.project.save(change, known),
    async loadProject() {
      const project = await kept.project.load();
      tidied ??= kept.runs.list().then((runs) => kept.project.tidy(runs.map(({ runId }) => runId)));
      tidied.catch(() => {}); // not waited for, and done again at the next visit
      return project;
    },
    classPictures: (set) => kept.classes.list(set),
    keepClassPicture: (set, index, picture) => kept.classes.keep(set, index, picture),
    clearClassPictures: (set) => kept.classes.clear(set),
    keepShown: (place, shown) => kept.shown.save(place, shown),
    shown: (place) => kept.shown.load(place),
  };
}
