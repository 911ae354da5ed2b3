// The photos of a run in, as they were when it began; the same, with their bytes, for as long as it is under way, out.
import type { TrainingJob } from '../training/job.ts';
import { Trouble } from '../trouble.ts';
import { type Database, database } from './database.ts';
import { blobKey, heldByRuns, type PhotoBlobs, type RunPhotosRecord, runKey, SHELF } from './photo-shelf.ts';
import { readAnew } from './read-anew.ts';

type JobPhoto = TrainingJob['photos'][number];
export type SeenPhoto = JobPhoto & { sha256: string };
/** `file`: null when nobody needed its bytes any more. */
export type RunPhoto = Omit<SeenPhoto, 'file'> & { file: Blob | null };

export interface RunPhotoStore {
  /** The run needs them from now on, whatever becomes of the project. Bytes that are here already are not written again. */
  hold(runId: string, photos: readonly SeenPhoto[]): Promise<void>;
  load(runId: string): Promise<RunPhoto[] | null>;
  /** The bytes of a photo, the project's or a run's, as its record has them now. */
  file(id: string): Promise<Blob | null>;
  /** The run is done: what they were stays known, their bytes may go with the project. */
  release(runId: string): Promise<void>;
  forget(runId: string): Promise<void>;
}

/**
 * A photo's bytes, and the Blob that they could be read from: the page's, or that of the record as it is now. Trouble 'photo-unreadable' ('lost')
 * where neither can be read.
 */
export async function photoBytes(
  { id, name, file }: Pick<JobPhoto, 'id' | 'name' | 'file'>,
  stored: Pick<RunPhotoStore, 'file'>,
): Promise<{ bytes: ArrayBuffer; file: Blob }> {
  const read = async (blob: Blob) => ({ bytes: await blob.arrayBuffer(), file: blob });
  try {
    return await readAnew(file, () => stored.file(id), read);
  } catch (error) {
    throw new Trouble('photo-unreadable', { file: name, reason: 'lost', id }, `${name} cannot be read: ${error}`);
  }
}

export function runPhotoStore(db: Database = database(SHELF)): RunPhotoStore {
  /** With the run's list changed to `next` (null: none), bytes that were held for it alone go. */
  const letGo = (runId: string, next: (record: RunPhotosRecord) => RunPhotosRecord | null): Promise<void> =>
    db.transact('readwrite', async (all) => {
      const record = await all.get<RunPhotosRecord>(runKey(runId));
      if (!record) return;
      const now = next(record);
      if (now) all.put(runKey(runId), now);
      else all.remove(runKey(runId));
      const needed = await heldByRuns(all);
      const project = await all.get<{ photos: { id: string }[] }>('project');
      for (const { id } of project?.photos ?? []) needed.add(id);
      for (const { id } of record.holds ? record.photos : []) if (!needed.has(id)) all.remove(blobKey(id));
    });

  return {
    hold: (runId, photos) =>
      db.transact('readwrite', async (all) => {
        const here = new Set((await all.keysUnder(['photo'])).map((key) => String(key[1])));
        const keptAt = Date.now();
        for (const { id, file } of photos)
          if (!here.has(id)) all.put(blobKey(id), { file, keptAt } satisfies PhotoBlobs);
        const listed = photos.map(({ file: _, ...photo }) => photo);
        all.put(runKey(runId), { photos: listed, holds: true, keptAt } satisfies RunPhotosRecord);
      }),
    load: (runId) =>
      db.transact('readonly', async (all) => {
        const record = await all.get<RunPhotosRecord>(runKey(runId));
        if (!record) return null;
        return Promise.all(
          record.photos.map(async (photo) => ({
            ...photo,
            file: (await all.get<PhotoBlobs>(blobKey(photo.id)))?.file ?? null,
          })),
        );
      }),
    file: async (id) => (await db.get<PhotoBlobs>(blobKey(id)))?.file ?? null,
    release: (runId) => letGo(runId, (record) => ({ ...record, holds: false })),
    forget: (runId) => letGo(runId, () => null),
  };
}
