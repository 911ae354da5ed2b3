// Pictures of a class in, by the set they belong to; the same for as long as the set is wanted, and a run's own as it began with them, out.
import { type Database, database } from './database.ts';

/** One picture of what the class noun is to the model: made by it, or the user's. */
export interface ClassPicture {
  name: string;
  file: Blob;
}
export interface HeldPicture extends ClassPicture {
  sha256?: string; // absent: held by an earlier version
}
export interface ClassStore {
  /** `set` tells all that made ones depend on, so that another sentence or seed has others. */
  keep(set: string, index: number, picture: ClassPicture): Promise<void>;
  /** By index: those that are there. */
  list(set: string): Promise<{ index: number; picture: ClassPicture }[]>;
  clear(set: string): Promise<void>;
  /** The run needs these, whatever becomes of their set. */
  hold(runId: string, pictures: readonly HeldPicture[]): Promise<void>;
  ofRun(runId: string): Promise<HeldPicture[] | null>;
  forget(runId: string): Promise<void>;
}

export function classStore(db: Database = database('darkroom-class-pictures')): ClassStore {
  return {
    keep: (set, index, picture) => db.write({ put: [[['set', set, index], { index, picture }]] }),
    list: (set) => db.valuesUnder(['set', set]),
    clear: async (set) => db.write({ remove: await db.keysUnder(['set', set]) }),
    hold: (runId, pictures) => db.write({ put: [[['run', runId], [...pictures]]] }),
    ofRun: async (runId) => (await db.get<HeldPicture[]>(['run', runId])) ?? null,
    forget: (runId) => db.write({ remove: [['run', runId]] }),
  };
}
