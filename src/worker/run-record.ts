// A run's history in; what is stored of it — summary, snapshot, adapter — written, and the summary out.
import { version } from '../../package.json';
import type { BaseModel } from '../adapter/base-model.ts';
import { adapterName } from '../adapter/file-name.ts';
import { adapterTensorBytes } from '../adapter/write.ts';
import { captionOf } from '../dataset/caption.ts';
import { asFarAsRead, holdsName } from '../dataset/name-in-caption.ts';
import { splitPhotos } from '../dataset/split.ts';
import type { EngineMade, LoraModule, LoraWeights, UNetEngine } from '../gpu/engine-types.ts';
import type { AdapterStore } from '../storage/adapter-store.ts';
import type { LoadedRun, RunStore, StoredRun } from '../storage/run-store.ts';
import type { TrainingJob } from '../training/job.ts';
import type { RunSummary } from '../training/run-summary.ts';
import { bestStep, type History, type Snapshot } from '../training/snapshot.ts';
import { Trouble } from '../trouble.ts';

export type EngineFacts = Pick<UNetEngine, 'gpuBytes' | 'flopsPerStep' | 'dispatchesPerStep'>;

export interface RunRecord {
  /** Bytes of the adapter's file in each layout. */
  readonly fileBytes: { kohya: number; diffusers: number };
  /** What is known since an engine was built, and since steps are timed. */
  facts: EngineFacts;
  msPerStep: number;
  /** What its engine was made of, in the earlier visit until there is one in this. */
  made: EngineMade | undefined;
  /** The run as it was left, checked to be the same run; null where there is none. */
  load(): Promise<LoadedRun | null>;
  save(snapshot: Snapshot, state: RunSummary['state']): Promise<void>;
  moment(step: number, weights: LoraWeights): Promise<void>;
  /** How the run ended, beside its last snapshot. */
  end(history: History, state: RunSummary['state']): Promise<RunSummary>;
}

export interface RecordNeeds {
  runs: RunStore;
  adapters: AdapterStore;
  /** The model that is trained, as far as it is known by now; without it the adapter's files name none. */
  base?: () => BaseModel;
  modelVersion: string;
  /** Words at the end of a caption that the model does not read. */
  cutWords?: (caption: string) => number;
}

export function runRecord(
  { runs, adapters, base, modelVersion, cutWords = () => 0 }: RecordNeeds,
  job: TrainingJob,
  modules: readonly LoraModule[],
): RunRecord {
  const { runId, modelId, identifier, classNoun, settings } = job;
  const { rank, alpha } = settings;
  const photos = job.photos.length;
  const fileBytes = adapterTensorBytes(modules, rank);
  const nothing = { weights: 0, arena: 0, lora: 0, staging: 0, total: 0 };
  let startedAt = Date.now();
  let nameTrained = saysName(job, cutWords);
  let beganWith: string | undefined = modelVersion;
  let beganIn: string | undefined = version;

  const record: RunRecord = {
    fileBytes,
    facts: { gpuBytes: nothing, flopsPerStep: 0, dispatchesPerStep: 0 },
    msPerStep: 0,
    made: undefined,
    async load() {
      const stored = await runs.load(runId);
      if (!stored) return null;
      checkSameRun(stored, job);
      startedAt = stored.summary.startedAt;
      nameTrained ||= stored.summary.nameTrained ?? true;
      beganWith = stored.summary.modelVersion;
      beganIn = stored.summary.darkroom;
      record.made = stored.summary.made;
      record.msPerStep = stored.summary.msPerStep;
      return stored;
    },
    async save(snapshot, state) {
      await runs.save({ summary: await keepAdapter(summary(snapshot, state)), snapshot, photos });
    },
    moment: (step, weights) => adapters.saveMoment(runId, step, weights),
    async end(history, state) {
      const told = await keepAdapter(summary(history, state));
      const stored = await runs.load(runId);
      if (stored) await runs.save({ ...stored, summary: told });
      return told;
    },
  };
  return record;

  function summary(history: History, state: RunSummary['state']): RunSummary {
    return {
      runId,
      modelId,
      ...(beganWith === undefined ? {} : { modelVersion: beganWith }),
      ...(beganIn === undefined ? {} : { darkroom: beganIn }),
      ...(record.made && { made: record.made }),
      adapterId: runId, // one run, one adapter
      identifier,
      classNoun,
      nameTrained,
      settings,
      step: history.step,
      bestStep: bestStep(history),
      losses: history.losses,
      heldOut: history.heldOut,
      heldOutOn: settings.keptAside > 0 && photos > 1 ? 'kept-aside' : 'training',
      moments: history.moments,
      state,
      startedAt,
      msPerStep: record.msPerStep,
      gpuBytes: record.facts.gpuBytes,
      flopsPerStep: record.facts.flopsPerStep,
      dispatchesPerStep: record.facts.dispatchesPerStep,
    };
  }

  /** The adapter is listed as soon as it has a moment. */
  async function keepAdapter(run: RunSummary): Promise<RunSummary> {
    const { adapterId, moments } = run;
    const name = adapterName(identifier, classNoun);
    const known = { adapterId, name, identifier, classNoun, modelId, rank, alpha, moments, fileBytes, photos, run };
    // Of the attention alone all are linear layers: the weights tell their sizes.
    const kinds = settings.targets === 'attention' ? {} : { modules };
    const moment = { bestStep: run.bestStep, createdAt: startedAt, ...(base && { base: base() }) };
    if (moments.length > 0) await adapters.save({ ...known, ...kinds, ...moment });
    return run;
  }
}

/** Whether a caption that is learned from says the name, as far as the model reads it. */
const saysName = ({ photos, identifier, classNoun, settings }: TrainingJob, cutWords: (caption: string) => number) =>
  splitPhotos(photos, settings.keptAside).training.some((photo) => {
    const caption = captionOf(photo.caption, identifier, classNoun);
    return holdsName(asFarAsRead(caption, cutWords(caption)), identifier, classNoun);
  });

/** What a stored run must have in common with the job that goes on with it: all that its numbers depend on but length and rate. */
function checkSameRun({ summary, photos }: StoredRun, job: TrainingJob): void {
  for (const setting of [
    'rank',
    'alpha',
    'targets',
    'seed',
    'batch',
    'accumulate',
    'epochs',
    'optimizer',
    'minSnrGamma',
    'noiseOffset',
    'classPictures',
    'classPrompt',
    'priorWeight',
    'crops',
    'mirror',
    'clipSkip',
    'captionDropout',
    'tagOrders',
    'keptTags',
    'keptAside',
    'resolution',
  ] as const) {
    const [expected, got] = [summary.settings[setting], job.settings[setting]];
    if (expected !== got) throw new Trouble('bad-setting', { setting, expected: String(expected), got: String(got) });
  }
  if (photos !== job.photos.length)
    throw new Trouble('other-photos', { began: photos, here: job.photos.length, missing: [] });
}
