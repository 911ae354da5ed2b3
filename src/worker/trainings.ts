// Trainings asked of this worker in; the one that may run, under the lock between tabs and in its turn on the GPU, and hands on it out.
import type { OnProgress } from '../progress.ts';
import type { ClassStore } from '../storage/class-store.ts';
import type { RunPhotoStore } from '../storage/run-photos.ts';
import { type RunControls, runControls } from '../training/controls.ts';
import type { TrainEvent } from '../training/events.ts';
import type { TrainingJob } from '../training/job.ts';
import type { RunSummary } from '../training/run-summary.ts';
import type { CardLock } from './card-lock.ts';
import type { GpuTurns } from './gpu-turns.ts';
import type { ModelSession } from './model-session.ts';
import { withOwnClass } from './own-class.ts';
import { withOwnPhotos } from './own-photos.ts';
import { pixelsFrom } from './prepare-run.ts';
import { type RunNeeds, type RunSession, runSession } from './run-session.ts';

export interface Trainings {
  train(signal: AbortSignal, job: TrainingJob, onEvent: (event: TrainEvent) => void): Promise<RunSummary>;
  pause(): void;
  resume(): void;
  stop(): void;
  previewNow(): Promise<void>;
  /** held-out.safetensors of the last run trained here. */
  evidence(runId: string): Uint8Array | null;
}
interface Needs {
  kept: Pick<RunNeeds, 'runs' | 'adapters' | 'previews'> & { runPhotos: RunPhotoStore; classes: ClassStore };
  turns: GpuTurns;
  card: CardLock;
  opened(): ModelSession;
  hearGpu(hear: OnProgress): void;
  promisedMs: NonNullable<RunNeeds['promisedMs']>;
}

export function trainings({ kept, turns, card, opened, hearGpu, promisedMs }: Needs): Trainings {
  /** The training under way, and any that waits to begin: a stop while another tab is waited for counts too. */
  const hands = new Set<RunControls>();
  let last: { runId: string; run: RunSession } | null = null;

  async function begin(job: TrainingJob, controls: RunControls, onEvent: (event: TrainEvent) => void) {
    const { canvas, engines, modulesFor, info, tokenizer, base } = opened();
    if (job.modelId !== info.id) throw new Error(`the run is of model ${job.modelId}, open is ${info.id}`);
    const cutWords = (text: string) => tokenizer.encodePadded(text).cutWords;
    return turns.training(controls, async () => {
      hearGpu((progress) => onEvent({ kind: 'progress', progress }));
      try {
        const whole = await withOwnClass(kept.classes, job);
        return await withOwnPhotos(kept, whole, onEvent, (own) => {
          const readPixels = pixelsFrom(kept.runPhotos);
          const modules = modulesFor(own.settings.targets);
          const model = { canvas, engines, modules, base, modelVersion: info.version, cutWords };
          const run = runSession({ ...kept, ...model, readPixels, promisedMs }, own, controls, onEvent);
          last = { runId: own.runId, run };
          return run.train();
        });
      } finally {
        engines.trainingEnded();
      }
    });
  }
  const each = (what: 'pause' | 'resume' | 'stop') => () => {
    for (const controls of hands) controls[what]();
  };
  return {
    async train(signal, job, onEvent) {
      const controls = runControls();
      signal.addEventListener('abort', () => controls.stop());
      hands.add(controls);
      try {
        return await card.use('training', () => begin(job, controls, onEvent));
      } finally {
        hands.delete(controls);
      }
    },
    pause: each('pause'),
    resume: each('resume'),
    stop: each('stop'),
    async previewNow() {
      if (turns.run) await last?.run.previewNow();
    },
    evidence: (runId) => (last?.runId === runId ? last.run.evidence() : null),
  };
}
