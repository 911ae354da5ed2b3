// Runs in, at every save; the last whole save of each, also after a crash, out. Adapters of their saved steps are in adapter-store.ts.
import type { RunSummary } from '../training/run-summary.ts';
import type { Snapshot } from '../training/snapshot.ts';
import { Trouble } from '../trouble.ts';
import { checksum } from './checksum.ts';
import { type Database, database, type Key, roughBytes, type Transaction } from './database.ts';

/** A run at a save: what the page shows, and what training goes on from. */
export interface StoredRun {
  summary: RunSummary;
  snapshot: Snapshot;
  photos: number; // how many it learns from: a resume with others would not be the same run
}
export interface LoadedRun extends StoredRun {
  /** The step of a newer save that was damaged: this is the one before it. */
  damagedStep?: number;
}
export interface RunStore {
  save(run: StoredRun): Promise<void>;
  /** The newest save whose bytes are those that were written. Trouble 'run-damaged' where none is. */
  load(runId: string): Promise<LoadedRun | null>;
  /** Newest first, without their snapshots. */
  list(): Promise<RunSummary[]>;
  forget(runId: string): Promise<void>;
}

/** A whole save with its checksum. Of an earlier version: `summary` is the list's, and nothing tells of damage. */
type Slot = Omit<StoredRun, 'summary'> & { summary?: RunSummary; checksum?: string };
/** Saves lie in these two by turns, so that there always is the one before. */
const SLOTS = ['snapshot', 'snapshot-2'] as const;
/** Which one is the newest, and its step: a save of the same step takes its place. */
interface Newest {
  slot: 0 | 1;
  step: number;
}
const newestKey = (runId: string): Key => ['newest', runId];
const keysOf = (runId: string): Key[] => [['summary', runId], ...SLOTS.map((slot): Key => [slot, runId])];

/**
 * The summary is kept apart too, so that a list of runs does not read megabytes of each. A save is one transaction: a browser killed in the middle has
 * what was there before.
 */
export function runStore(db: Database = database('darkroom-runs')): RunStore {
  /** Slots that were found damaged: the next save goes there, not over the whole one. */
  const damaged = new Map<string, Newest['slot']>();
  return {
    async save({ summary, snapshot, photos }) {
      const { runId } = summary;
      const whole = { summary, snapshot, photos };
      const slot: Slot = { ...whole, checksum: await checksum(whole) };
      const write = async (all: Transaction): Promise<void> => {
        const before = (await all.get<Newest>(newestKey(runId))) ?? { slot: 0, step: snapshot.step };
        const to = damaged.get(runId) ?? (before.step === snapshot.step ? before.slot : other(before.slot));
        all.put(newestKey(runId), { slot: to, step: snapshot.step } satisfies Newest);
        all.put([SLOTS[to], runId], slot);
        all.put(['summary', runId], summary);
      };
      await db.transact('readwrite', write, () => roughBytes(slot) + roughBytes(summary));
      damaged.delete(runId);
    },
    async load(runId) {
      type Read = [Newest | undefined, RunSummary | undefined, Slot | undefined, Slot | undefined];
      const [newest, listed, ...slots] = (await db.getMany<unknown>([newestKey(runId), ...keysOf(runId)])) as Read;
      const first = newest?.slot ?? 0;
      let damagedStep: number | undefined;
      for (const at of [first, other(first)]) {
        const slot = slots[at];
        const summary = slot?.summary ?? listed;
        if (!slot || !summary) continue;
        if (await isWhole(slot)) {
          const { snapshot, photos } = slot;
          return { summary, snapshot, photos, ...(damagedStep !== undefined && { damagedStep }) };
        }
        damagedStep ??= newest?.step ?? 0;
        if (at === first) damaged.set(runId, at);
      }
      if (damagedStep !== undefined) throw new Trouble('run-damaged', { step: damagedStep });
      return null;
    },
    list: async () => (await db.valuesUnder<RunSummary>(['summary'])).sort((a, b) => b.startedAt - a.startedAt),
    forget: (runId) => db.write({ remove: [...keysOf(runId), newestKey(runId)] }),
  };
}

const other = (slot: Newest['slot']): Newest['slot'] => (slot === 0 ? 1 : 0);

async function isWhole({ checksum: told, ...whole }: Slot): Promise<boolean> {
  return told === undefined || told === (await checksum(whole).catch(() => null));
}
