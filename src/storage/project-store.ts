// What a tab changed in; the project as all tabs have made it, the same after a reload, out. How two tabs' changes meet: project-change.ts.
// Everything is read and written in one transaction, whose revision says whether the tab that saves has missed something. Photos' bytes are
// written one by one, when they come in: a file that cannot be read is named and never in the way of the others. They go only when a tab says
// that its user removed them (or in `tidy`), never because a tab did not know of them.
import type { Photo } from '../dataset/photo.ts';
import { ownCopy } from '../dataset/photo-bytes.ts';
import { Trouble } from '../trouble.ts';
import { type Database, database } from './database.ts';
import { blobKey, heldByRuns, type PhotoBlobs, SHELF, tidy } from './photo-shelf.ts';
import {
  applied,
  type ListChange,
  type Project,
  type ProjectChange,
  type ProjectOf,
  type UnreadablePhoto,
} from './project-change.ts';

export interface StoredProject extends Project {
  revision: number; // one more with each save of any tab
}
/** `project`: when it is not what the saving tab has, since other tabs have changed it or a photo could not be kept. */
export interface SavedProject {
  revision: number;
  project: StoredProject | null;
}

/** A photo without its pictures: a changed caption must not write 30 photos again. */
type PhotoRecord = Omit<Photo, 'file' | 'reading'> & { reading: Omit<Photo['reading'], 'thumbnail'> };
type ProjectRecord = Omit<ProjectOf<PhotoRecord>, 'unreadable'> & {
  unreadable?: UnreadablePhoto[]; // not known to earlier versions, as is `revision`
  revision?: number;
};

export interface ProjectStore {
  /** Keeps a photo's bytes as soon as there are any; from then on the page works with what is given back. */
  keep(id: string, blobs: { file: Blob; thumbnail: Blob }): Promise<Blob>;
  /** `known`: the revision that the change was made to. */
  save(change: ProjectChange, known: number): Promise<SavedProject>;
  load(): Promise<StoredProject | null>;
  /** Puts away bytes that neither the project nor a run needs. `runs`: those that are stored. */
  tidy(runs: readonly string[]): Promise<void>;
}

export function projectStore(db: Database = database(SHELF)): ProjectStore {
  async function keep(id: string, { file, thumbnail }: { file: Blob; thumbnail: Blob }): Promise<Blob> {
    await db.write({ put: [[blobKey(id), { file, thumbnail, keptAt: Date.now() } satisfies PhotoBlobs]] });
    return (await db.get<PhotoBlobs>(blobKey(id)))?.file ?? file;
  }

  /** New photos whose bytes are not here yet are kept first; those that cannot be read any more are said to be lost instead. */
  async function withBytes(change: ProjectChange): Promise<ProjectChange> {
    const added: ListChange<Photo>['added'] = [];
    const lost: ListChange<UnreadablePhoto>['added'] = [];
    for (const one of change.photos.added) {
      const { id, name, file, reading } = one.item;
      try {
        const known = await db.get<PhotoBlobs>(blobKey(id));
        if (!known?.thumbnail)
          await keep(id, { file: known?.file ?? (await ownCopy(name, file)), thumbnail: reading.thumbnail });
        added.push(one);
      } catch (error) {
        if (!(error instanceof Trouble && error.code === 'photo-unreadable')) throw error;
        lost.push({ item: lostPhoto(one.item), before: null });
      }
    }
    if (lost.length === 0) return change;
    const { photos, unreadable } = change;
    return {
      ...change,
      photos: { ...photos, added },
      unreadable: { ...unreadable, added: [...unreadable.added, ...lost] },
    };
  }

  const load = () =>
    db.transact('readonly', async (all): Promise<StoredProject | null> => {
      const record = await all.get<ProjectRecord>('project');
      if (!record) return null;
      const blobs = await Promise.all(record.photos.map(({ id }) => all.get<PhotoBlobs>(blobKey(id))));
      const photos = record.photos.flatMap((photo, at): Photo[] => {
        const { file, thumbnail } = blobs[at] ?? {};
        return file && thumbnail ? [{ ...photo, file, reading: { ...photo.reading, thumbnail } }] : [];
      });
      const here = new Set(photos.map(({ id }) => id));
      const lost = record.photos.filter(({ id }) => !here.has(id)).map(lostPhoto);
      return { ...record, photos, unreadable: [...(record.unreadable ?? []), ...lost], revision: record.revision ?? 0 };
    });

  return {
    keep,
    async save(asked, known) {
      const change = await withBytes(asked);
      const [before, revision] = await db.transact('readwrite', async (all) => {
        const record = (await all.get<ProjectRecord>('project')) ?? nothing;
        const before = record.revision ?? 0;
        all.put('project', { ...changed(record, change), revision: before + 1 } satisfies ProjectRecord);
        const { removed } = change.photos;
        const held = removed.length > 0 ? await heldByRuns(all) : new Set<string>();
        for (const id of removed) if (!held.has(id)) all.remove(blobKey(id));
        return [before, before + 1] as const;
      });
      const asSaved = before === known && change === asked;
      const project = asSaved ? null : await load();
      return { revision: project?.revision ?? revision, project };
    },
    load,
    tidy: (runs) => db.transact('readwrite', (all) => tidy(all, new Set(runs))),
  };
}

const nothing: ProjectRecord = {
  ...{ modelId: null, photos: [], identifier: '', classNoun: '', settings: { preset: '' }, runId: null },
};

/** The change made to the record. Whoever is taken off the list of the unreadable may be a photo whose bytes were lost. */
function changed(record: ProjectRecord, change: ProjectChange): ProjectRecord {
  const { added, edited, removed } = change.photos;
  const photos = {
    added: added.map(({ item, before }) => ({ item: withoutBlobs(item), before })),
    edited: edited.map(({ id, to: { file: _file, reading, ...to } }) => ({
      id,
      to: reading ? { ...to, reading: withoutThumbnail(reading) } : to,
    })),
    removed: [...removed, ...change.unreadable.removed],
  };
  return applied({ ...record, unreadable: record.unreadable ?? [] }, { ...change, photos });
}

const withoutThumbnail = ({ thumbnail: _, ...reading }: Photo['reading']): PhotoRecord['reading'] => reading;
const withoutBlobs = ({ file: _, reading, ...photo }: Photo): PhotoRecord => ({
  ...photo,
  reading: withoutThumbnail(reading),
});
const lostPhoto = ({ id, name }: Pick<Photo, 'id' | 'name'>): UnreadablePhoto => ({
  ...{ id, name, trouble: { code: 'photo-unreadable', facts: { file: name, reason: 'lost', id } } },
});
