// Settings, the open model and this computer in; what a run takes — memory of every phase, FLOPs, file size, time — before it starts, out.
import { adapterTensorBytes } from '../adapter/write.ts';
import type { GpuBytes } from '../gpu/engine-types.ts';
import { momentBytes } from '../plan/moments.ts';
import type { RunSummary } from '../training/run-summary.ts';
import { passesOf, type TrainingSettings } from '../training/settings.ts';
import { bytesWithDecoder } from './decode-fits.ts';
import { checkSize, checkWeights } from './drawing.ts';
import { pictureSpec, runSpec, targetsOf } from './engine-room.ts';
import type { ModelSession } from './model-session.ts';
import { type PlannedFor, planOf } from './unet-engines.ts';

/** What one phase of a run takes at its peak. */
export interface PhaseNeeds {
  phase: 'encode' | 'train' | 'preview' | 'decode'; // decode: a finished picture
  gpuBytes: number;
  ramBytes: number; // the text encoder's WASM memory, roughly
  ms: number | null; // one photo, one step, one preview, one picture; null: not measured on this computer yet
}
export interface Forecast {
  gpuBytes: GpuBytes; // while training
  phases: PhaseNeeds[];
  /** The most that a phase takes that a run cannot do without: a preview that finds no memory is a sketch. */
  peakGpuBytes: number;
  flopsPerStep: number;
  adapterBytes: number;
  momentBytes: { f32: number; packed: number }; // of AdamW, and of its 8-bit kind
  msPerStep: number | null; // measured on this computer; null = not yet
}

/**
 * The GPU holds the VAE's encoder first, then the training engine, for previews the decoder beside it, and an engine for pictures with the
 * decoder afterwards; a decoder computes in the engine's own arena where that is large enough. Throws Trouble 'bad-setting' for a size or storage that the model has not here.
 */
export async function forecast(
  { unet, info, modulesFor, canvas }: Pick<ModelSession, 'unet' | 'info' | 'modulesFor' | 'canvas'>,
  settings: TrainingSettings,
  report: PlannedFor,
  runs: readonly RunSummary[],
): Promise<Forecast> {
  const { resolution: size, weights, rank } = settings;
  checkSize('resolution', size, info.sizes);
  checkWeights(weights);
  const training = planOf(unet, runSpec(settings), report);
  const picture = planOf(unet, { ...pictureSpec({ size, weights }, rank), ...targetsOf(settings) }, report);
  const { gpuBytes, flopsPerStep } = training;
  const { timings, vae, textRam } = canvas;
  const decoded = ({ built }: typeof training): number => bytesWithDecoder(vae, built, size, report);
  const msPerStep = (await timings.known({ kind: 'step', settings })) ?? likeRun(runs, info.id, settings);
  const phases: PhaseNeeds[] = [
    {
      ...{ phase: 'encode', gpuBytes: vae.needs('encode', size, report), ramBytes: textRam },
      ms: await timings.known({ kind: 'encode', size }),
    },
    { phase: 'train', gpuBytes: gpuBytes.total, ramBytes: 0, ms: msPerStep },
    {
      ...{ phase: 'preview', gpuBytes: decoded(training), ramBytes: 0 },
      ms: await timings.known({ kind: 'preview', settings }),
    },
    {
      ...{ phase: 'decode', gpuBytes: decoded(picture), ramBytes: 0 },
      ms: await timings.known({ kind: 'decode', size }),
    },
  ];
  const peakGpuBytes = Math.max(...phases.filter(({ phase }) => phase !== 'preview').map((phase) => phase.gpuBytes));
  const modules = modulesFor(settings.targets);
  const adapterBytes = adapterTensorBytes(modules, rank).kohya;
  const moments = momentBytes(
    modules.flatMap(({ inFeatures, outFeatures }) => [{ shape: [rank, inFeatures] }, { shape: [outFeatures, rank] }]),
  );
  return { gpuBytes, phases, peakGpuBytes, flopsPerStep, adapterBytes, momentBytes: moments, msPerStep };
}

/** The last run here with as much to do a step: a step's time hardly depends on the rank. */
function likeRun(runs: readonly RunSummary[], modelId: string, settings: TrainingSettings): number | null {
  const alike = runs
    .filter((run) => run.modelId === modelId && run.msPerStep > 0)
    .filter((run) => passesOf(run.settings) === passesOf(settings) && run.settings.targets === settings.targets)
    .filter(({ settings: s }) => s.resolution === settings.resolution && s.weights === settings.weights)
    .sort((a, b) => b.startedAt - a.startedAt);
  return alike[0]?.msPerStep ?? null;
}
