// Settings as an earlier version stored them in; whole ones out. When they had no size there was only the demo model.
import type { TrainingSettings } from '../training/settings.ts';
import type { AdapterStore } from './adapter-store.ts';
import type { RunStore } from './run-store.ts';

const THEN = { resolution: 128, weights: 'f16', heldOutDraws: 32 } as const;

const whole = <R extends { settings: TrainingSettings }>(run: R): R => ({
  ...run,
  settings: { ...THEN, ...run.settings },
});

/** The same store, in whose runs no setting is missing. */
export const wholeRuns = (runs: RunStore): RunStore => ({
  ...runs,
  async load(runId) {
    const stored = await runs.load(runId);
    return stored && { ...stored, summary: whole(stored.summary) };
  },
  list: async () => (await runs.list()).map(whole),
});

/** The same store, in whose adapters' runs no setting is missing. */
export const wholeAdapters = (adapters: AdapterStore): AdapterStore => ({
  ...adapters,
  async load(adapterId) {
    const stored = await adapters.load(adapterId);
    return stored && { ...stored, run: stored.run && whole(stored.run) };
  },
});
