// Runs as an earlier version stored them in; whole ones out. When settings had no size there was only the demo model.
import type { RunSummary } from '../training/run-summary.ts';
import { PLAIN, type TrainingSettings } from '../training/settings.ts';
import type { AdapterStore, StoredAdapter } from './adapter-store.ts';
import type { RunStore } from './run-store.ts';

/** Of pictures there was one sampler. */
const THEN = { ...PLAIN, resolution: 128, weights: 'f16', heldOutDraws: 32, previewSampler: 'ddim' } as const;

/** The demo model's first weights: only with them were runs of it kept that do not say which they began with. */
const FIRST_DEMO = '899f6be5-350a9809-dc1a8bc4';

const whole = (run: RunSummary): RunSummary => ({
  ...(run.modelId === 'demo' ? { modelVersion: FIRST_DEMO } : {}),
  ...run,
  settings: { ...THEN, ...run.settings, schedule: scheduleOf(run.settings) },
});
/** Before there were epochs, constant had a warm-up. */
const scheduleOf = ({ schedule, warmupSteps, ...rest }: TrainingSettings): TrainingSettings['schedule'] =>
  schedule === 'constant' && warmupSteps > 0 && !('epochs' in rest) ? 'constant_with_warmup' : schedule;
const wholeAdapter = (adapter: StoredAdapter): StoredAdapter => ({
  ...adapter,
  run: adapter.run && whole(adapter.run),
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
    return stored && wholeAdapter(stored);
  },
  list: async () => (await adapters.list()).map(wholeAdapter),
});
