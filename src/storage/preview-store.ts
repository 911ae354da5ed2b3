// Preview pictures of a run in, by step; all of them, for the strip after a reload, out.
import type { Picture } from '../worker/api.ts';
import { type Database, database } from './database.ts';

export interface PreviewStore {
  save(runId: string, step: number, picture: Picture): Promise<void>;
  /** In the order of their steps. */
  list(runId: string): Promise<{ step: number; picture: Picture }[]>;
  forget(runId: string): Promise<void>;
}

export function previewStore(db: Database = database('darkroom-previews')): PreviewStore {
  return {
    save: (runId, step, picture) => db.write({ put: [[['preview', runId, step], { step, picture }]] }),
    list: (runId) => db.valuesUnder(['preview', runId]),
    forget: async (runId) => db.write({ remove: await db.keysUnder(['preview', runId]) }),
  };
}
