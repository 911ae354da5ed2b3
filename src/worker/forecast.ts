// Settings, the open model and this computer in; what a run takes — memory of every phase, FLOPs, file size, time — before it starts, out.
import { adapterTensorBytes } from '../adapter/write.ts';
import type { GpuBytes } from '../gpu/engine-types.ts';
import type { RunSummary } from '../training/run-summary.ts';
import type { TrainingSettings } from '../training/settings.ts';
import { checkSize, checkWeights } from './drawing.ts';
import { pictureSpec, runSpec } from './engine-room.ts';
import type { ModelSession } from './model-session.ts';
import { type PlannedFor, planOf } from './unet-engines.ts';

/** What one phase of a run takes at its peak. */
export interface PhaseNeeds {
  phase: 'encode' | 'train' | 'preview' | 'decode'; // decode: a finished picture
  gpuBytes: number;
  ramBytes: number; // onnxruntime's WASM memory, roughly
  ms: number | null; // one photo, one step, one preview, one picture; null: not measured on this computer yet
}
export interface Forecast {
  gpuBytes: GpuBytes; // while training
  phases: PhaseNeeds[];
  /** The most that any phase takes: whether a run fits is judged by it. */
  peakGpuBytes: number;
  flopsPerStep: number;
  adapterBytes: number;
  msPerStep: number | null; // measured on this computer; null = not yet
}

/**
 * Photos are encoded and pictures decoded in WASM, so the GPU holds the training engine while training and drawing previews, and an engine
 * for pictures afterwards. Throws Trouble 'bad-setting' for a size or storage that the model has not here.
 */
export async function forecast(
  { unet, info, modules, canvas }: Pick<ModelSession, 'unet' | 'info' | 'modules' | 'canvas'>,
  settings: TrainingSettings,
  report: PlannedFor,
  runs: readonly RunSummary[],
): Promise<Forecast> {
  const { resolution: size, weights, rank } = settings;
  checkSize('resolution', size, info.sizes);
  checkWeights(weights);
  const { gpuBytes, flopsPerStep } = planOf(unet, runSpec(settings), report);
  const picture = planOf(unet, pictureSpec({ size, weights }, rank), report).gpuBytes;
  const { timings, needs } = canvas;
  const msPerStep = (await timings.known({ kind: 'step', settings })) ?? likeRun(runs, info.id, settings);
  const phases: PhaseNeeds[] = [
    {
      ...{ phase: 'encode', gpuBytes: 0, ramBytes: needs.encodeRam(size) },
      ms: await timings.known({ kind: 'encode', size }),
    },
    { phase: 'train', gpuBytes: gpuBytes.total, ramBytes: 0, ms: msPerStep },
    {
      ...{ phase: 'preview', gpuBytes: gpuBytes.total, ramBytes: 0 },
      ms: await timings.known({ kind: 'preview', settings }),
    },
    {
      ...{ phase: 'decode', gpuBytes: picture.total, ramBytes: needs.decodeRam(size) },
      ms: await timings.known({ kind: 'decode', size }),
    },
  ];
  const peakGpuBytes = Math.max(...phases.map((phase) => phase.gpuBytes));
  const adapterBytes = adapterTensorBytes(modules, rank).kohya;
  return { gpuBytes, phases, peakGpuBytes, flopsPerStep, adapterBytes, msPerStep };
}

/** The last run here with as much to do a step: a step's time hardly depends on the rank. */
function likeRun(runs: readonly RunSummary[], modelId: string, settings: TrainingSettings): number | null {
  const alike = runs
    .filter((run) => run.modelId === modelId && run.msPerStep > 0)
    .filter(({ settings: s }) => s.batch * s.accumulate === settings.batch * settings.accumulate)
    .filter(({ settings: s }) => s.resolution === settings.resolution && s.weights === settings.weights)
    .sort((a, b) => b.startedAt - a.startedAt);
  return alike[0]?.msPerStep ?? null;
}
