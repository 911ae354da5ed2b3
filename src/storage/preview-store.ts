// Preview pictures of a run in, by step, sketches with their latents; all of them, for the strip after a reload, out.
import type { Picture } from '../diffusion/picture.ts';
import { type Database, database, type Key } from './database.ts';

export interface PreviewStore {
  /** `latents` (4, h, w), scaled: kept with a sketch, so that it can be developed. A picture saved again takes the old one's place. */
  save(runId: string, step: number, picture: Picture, latents?: Float32Array): Promise<void>;
  latents(runId: string, step: number): Promise<Float32Array | null>;
  /** In the order of their steps. */
  list(runId: string): Promise<{ step: number; picture: Picture }[]>;
  forget(runId: string): Promise<void>;
}

export function previewStore(db: Database = database('darkroom-previews')): PreviewStore {
  return {
    save: (runId, step, picture, latents) => {
      const sketch: Key = ['sketch', runId, step];
      const put: [Key, unknown][] = [[['preview', runId, step], { step, picture }]];
      return db.write(latents ? { put: [...put, [sketch, latents]] } : { put, remove: [sketch] });
    },
    latents: async (runId, step) => (await db.get<Float32Array>(['sketch', runId, step])) ?? null,
    list: (runId) => db.valuesUnder(['preview', runId]),
    forget: async (runId) =>
      db.write({
        remove: [...(await db.keysUnder(['preview', runId])), ...(await db.keysUnder(['sketch', runId]))],
      }),
  };
}
