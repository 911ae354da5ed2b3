// How long things took on this computer: a key and milliseconds in; the last ones of a key out.
import { type Database, database } from './database.ts';

export interface TimingStore {
  save(key: string, ms: number): Promise<void>;
  load(key: string): Promise<number | null>;
}

export function timingStore(db: Database = database('darkroom-timings')): TimingStore {
  return {
    save: (key, ms) => db.write({ put: [[key, ms]] }),
    load: async (key) => (await db.get<number>(key)) ?? null,
  };
}
