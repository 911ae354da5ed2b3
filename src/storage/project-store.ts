// Everything the user typed or dropped in, at every change; the same after a reload out.
import type { Photo } from '../dataset/photo.ts';
import type { TrainingSettings } from '../training/settings.ts';
import { type Database, database } from './database.ts';

/** What a reload brings back: everything the user typed or dropped. */
export interface Project {
  modelId: string | null;
  photos: Photo[];
  identifier: string;
  classNoun: string;
  settings: Partial<TrainingSettings> & { preset: string };
  runId: string | null;
}

/** A photo without its pictures, and its pictures: a changed caption must not write 30 photos again. */
type PhotoRecord = Omit<Photo, 'file' | 'reading'> & { reading: Omit<Photo['reading'], 'thumbnail'> };
type PhotoBlobs = Pick<Photo, 'file'> & Pick<Photo['reading'], 'thumbnail'>;
type ProjectRecord = Omit<Project, 'photos'> & { photos: PhotoRecord[] };

export interface ProjectStore {
  save(project: Project): Promise<void>;
  load(): Promise<Project | null>;
}

export function projectStore(db: Database = database('darkroom-project')): ProjectStore {
  // A photo's bytes never change under its id, so those already here are left alone; those no longer used go, in the same transaction. Saves
  // wait for each other: each must see which photos the one before it has written.
  let last: Promise<void> = Promise.resolve();
  const blobKey = (id: string) => ['photo', id];

  async function save({ photos, ...rest }: Project): Promise<void> {
    const here = new Set((await db.keysUnder(['photo'])).map((key) => String(key[1])));
    const wanted = new Set(photos.map(({ id }) => id));
    await db.write({
      remove: [...here].filter((id) => !wanted.has(id)).map(blobKey),
      put: [
        ['project', { ...rest, photos: photos.map(withoutBlobs) } satisfies ProjectRecord],
        ...photos
          .filter(({ id }) => !here.has(id))
          .map((photo): [string[], PhotoBlobs] => [blobKey(photo.id), blobsOf(photo)]),
      ],
    });
  }

  return {
    save(project) {
      last = last.catch(() => {}).then(() => save(project));
      return last;
    },
    async load() {
      const record = await db.get<ProjectRecord>('project');
      if (!record) return null;
      const blobs = await db.getMany<PhotoBlobs>(record.photos.map(({ id }) => blobKey(id)));
      const photos = record.photos.flatMap((photo, index): Photo[] => {
        const found = blobs[index];
        return found ? [{ ...photo, file: found.file, reading: { ...photo.reading, thumbnail: found.thumbnail } }] : [];
      });
      return { ...record, photos };
    },
  };
}

function withoutBlobs({ file: _file, reading: { thumbnail: _thumbnail, ...reading }, ...photo }: Photo): PhotoRecord {
  return { ...photo, reading };
}
const blobsOf = ({ file, reading }: Photo): PhotoBlobs => ({ file, thumbnail: reading.thumbnail });
