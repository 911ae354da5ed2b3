// Pictures that a screen shows in; the same after a reload out. Only for looking at: a full disk loses them, nothing else.
import type { DrawRequest, Picture } from '../diffusion/picture.ts';
import { Trouble } from '../trouble.ts';
import { type Database, database } from './database.ts';

/** What the untouched model made of the name; the pictures of a scene with and without an adapter. */
export type Place = 'baseline' | 'compare';
export interface ShownCell {
  request: DrawRequest; // as it was asked for; the picture may have other weights
  picture: Picture | null; // null: not drawn yet
}
export interface Shown {
  modelId: string;
  cells: ShownCell[];
}
export interface ShownStore {
  save(place: Place, shown: Shown): Promise<void>;
  load(place: Place): Promise<Shown | null>;
}

export function shownStore(db: Database = database('darkroom-shown')): ShownStore {
  return {
    save: (place, shown) =>
      db.write({ put: [[['shown', place], shown]] }).catch((error: unknown) => {
        if (!(error instanceof Trouble && error.code === 'disk-full')) throw error;
      }),
    load: async (place) => (await db.get<Shown>(['shown', place])) ?? null,
  };
}
