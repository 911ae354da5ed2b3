// What was timed on this computer, for one model: kinds of work in, the milliseconds that one took last out.

import type { TimingStore } from '../storage/timing-store.ts';
import type { TrainingSettings } from '../training/settings.ts';

/** One step or preview of a run on this GPU; one photo encoded or one picture decoded by onnxruntime. `size` in px. */
export type Timed =
  | { kind: 'step' | 'preview'; settings: TrainingSettings }
  | { kind: 'encode' | 'decode'; size: number };

export interface Timings {
  /** Remembers; a disk that is full is no reason to stop. */
  note(what: Timed, ms: number): void;
  known(what: Timed): Promise<number | null>;
}

export function timings(store: TimingStore, modelId: string, gpuName: () => Promise<string>): Timings {
  return {
    note(what, ms) {
      if (!(ms > 0)) return;
      void (async () => store.save(await keyOf(what), ms))().catch(() => {});
    },
    known: async (what) => store.load(await keyOf(what)),
  };

  async function keyOf(what: Timed): Promise<string> {
    if ('size' in what) return [what.kind, modelId, what.size].join(' ');
    const { resolution, weights, activations, recompute, batch, accumulate, previewSteps } = what.settings;
    const work = what.kind === 'step' ? `${batch * accumulate} micro` : `${previewSteps} steps`; // the rank hardly counts
    return [what.kind, modelId, await gpuName(), resolution, weights, activations, recompute, work].join(' ');
  }
}
