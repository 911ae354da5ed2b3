// Photos' bytes in, each once, whoever needs them: the project and the runs that learn from them; gone, when neither does, out.
import type { Photo } from '../dataset/photo.ts';
import type { Key, Transaction } from './database.ts';

/** Beside the project and the runs' lists of photos in one database, so that one transaction sees who needs them. */
export const SHELF = 'darkroom-project';

/** Bytes never change under a photo's id. `keptAt`, ms since epoch: missing on those of earlier versions. */
export interface PhotoBlobs {
  file: Photo['file'];
  thumbnail?: Photo['reading']['thumbnail']; // missing when only a run has ever needed it
  keptAt?: number;
}
/** The photos of a run; `holds`: it is under way, and they may not go. */
export interface RunPhotosRecord {
  photos: { id: string; name: string; crop: Photo['crop']; caption: string; sha256: string }[];
  holds: boolean;
  keptAt: number;
}
/** Bytes that nobody has asked for yet may be those of a photo that another tab is just taking in. */
const ORPHAN_MS = 24 * 3600 * 1000;

export const blobKey = (id: string): Key => ['photo', id];
export const runKey = (runId: string): Key => ['run', runId];

/** Ids of the photos that a run under way learns from. */
export async function heldByRuns(all: Transaction): Promise<Set<string>> {
  const runs = await all.valuesUnder<RunPhotosRecord>(['run']);
  return new Set(runs.filter(({ holds }) => holds).flatMap(({ photos }) => photos.map(({ id }) => id)));
}

/** Puts away what is needed no more: lists of runs that are not there (`runs`: those that are), and bytes that nobody lists. Both only when old. */
export async function tidy(all: Transaction, runs: ReadonlySet<string>, now = Date.now()): Promise<void> {
  for (const key of await all.keysUnder(['run'])) {
    const record = await all.get<RunPhotosRecord>(key);
    if (!runs.has(String(key[1])) && record && now - record.keptAt > ORPHAN_MS) all.remove(key);
  }
  const project = await all.get<{ photos: { id: string }[] }>('project');
  const needed = await heldByRuns(all);
  for (const { id } of project?.photos ?? []) needed.add(id);
  for (const key of await all.keysUnder(['photo'])) {
    if (needed.has(String(key[1]))) continue;
    const blobs = await all.get<PhotoBlobs>(key);
    if (now - (blobs?.keptAt ?? 0) > ORPHAN_MS) all.remove(key);
  }
}
