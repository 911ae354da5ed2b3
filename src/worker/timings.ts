// What was timed on this computer, for one model: kinds of work in, the milliseconds that one took last out.
import { alike, type TimedOn } from '../gpu/cards.ts';
import type { TimingStore } from '../storage/timing-store.ts';
import { passesOf, type TrainingSettings } from '../training/settings.ts';

/** On this GPU: one step or preview of a run, one photo encoded or one picture decoded. `size` in px. */
export type Timed =
  | { kind: 'step' | 'preview'; settings: TrainingSettings }
  | { kind: 'encode' | 'decode'; size: number };

export interface Timings {
  /** Remembers; a disk that is full is no reason to stop. */
  note(what: Timed, ms: number): void;
  known(what: Timed): Promise<number | null>;
}
export function timings(store: TimingStore, modelId: string, card: () => Promise<TimedOn | null>): Timings {
  return {
    note(what, ms) {
      if (!(ms > 0)) return;
      void (async () => {
        const on = await card();
        if (on) await store.save(onCard(what, on.key), { ms, flopsPerMs: on.flopsPerMs });
      })().catch(() => {});
    },
    async known(what) {
      const on = await card();
      if (!on) return null;
      // by its name alone: how times were kept before
      const timing =
        (await store.load(onCard(what, on.key))) ?? (on.name ? await store.load(onCard(what, on.name)) : null);
      return timing && alike(timing.flopsPerMs, on.flopsPerMs) ? timing.ms : null;
    },
  };

  function onCard(what: Timed, key: string): string {
    if ('size' in what) return [what.kind, modelId, key, what.size].join(' ');
    const { kind, settings } = what;
    const { resolution, weights, activations, recompute, previewSteps } = settings;
    const { targets } = settings;
    const more = targets === 'attention' ? '' : ` ${targets}`;
    const work = kind === 'step' ? `${passesOf(settings)} micro${more}` : `${previewSteps} steps`; // the rank hardly counts
    return [kind, modelId, key, resolution, weights, activations, recompute, work].join(' ');
  }
}
