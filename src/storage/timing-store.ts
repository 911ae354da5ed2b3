// How long things took on this computer: a key, milliseconds and the card's speed in; the last ones of a key out.
import { type Database, database } from './database.ts';

export interface Timing {
  ms: number;
  /** Of the card when it was taken; null: not measured, or nothing to do with it. */
  flopsPerMs: number | null;
}
export interface TimingStore {
  save(key: string, timing: Timing): Promise<void>;
  load(key: string): Promise<Timing | null>;
}

export function timingStore(db: Database = database('darkroom-timings')): TimingStore {
  return {
    save: (key, timing) => db.write({ put: [[key, timing]] }),
    async load(key) {
      const stored = await db.get<Timing | number>(key); // numbers: before speeds were kept
      return typeof stored === 'number' ? { ms: stored, flopsPerMs: null } : (stored ?? null);
    },
  };
}
