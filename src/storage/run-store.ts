// Runs in, at every save; the last whole save of each, also after a crash, out. Adapters of their saved steps are in adapter-store.ts.
import type { RunSummary } from '../training/run-summary.ts';
import type { Snapshot } from '../training/snapshot.ts';
import { type Database, database } from './database.ts';

/** A run at its last save: what the page shows, and what training goes on from. */
export interface StoredRun {
  summary: RunSummary;
  snapshot: Snapshot;
  photos: number; // how many it learns from: a resume with others would not be the same run
}
export interface RunStore {
  save(run: StoredRun): Promise<void>;
  load(runId: string): Promise<StoredRun | null>;
  /** Newest first, without their snapshots. */
  list(): Promise<RunSummary[]>;
  forget(runId: string): Promise<void>;
}

/** The summary is kept apart from the snapshot, so that a list of runs does not read megabytes of each; both change in one transaction. */
export function runStore(db: Database = database('darkroom-runs')): RunStore {
  type Rest = Omit<StoredRun, 'summary'>;
  return {
    save: ({ summary, snapshot, photos }) =>
      db.write({
        put: [
          [['summary', summary.runId], summary],
          [['snapshot', summary.runId], { snapshot, photos } satisfies Rest],
        ],
      }),
    async load(runId) {
      const [summary, rest] = await db.getMany<unknown>([
        ['summary', runId],
        ['snapshot', runId],
      ]);
      return summary && rest ? { summary: summary as RunSummary, ...(rest as Rest) } : null;
    },
    list: async () => (await db.valuesUnder<RunSummary>(['summary'])).sort((a, b) => b.startedAt - a.startedAt),
    forget: (runId) =>
      db.write({
        remove: [
          ['summary', runId],
          ['snapshot', runId],
        ],
      }),
  };
}
