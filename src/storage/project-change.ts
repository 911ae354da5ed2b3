// Two states of the project in: what changed between them; a state and a change in: the state with the change made. By photo, so that tabs merge.
//
// The rule of two tabs: what a tab saves is what *it* changed since it last heard of the project, and that is made to whatever the project is by
// then. Photos go by their id: added ones are added, removed ones removed, of an edited one the edited fields are taken over; an edit of a photo
// that another tab has removed is dropped. Every other field is taken whole, and the last who changes it wins. A tab that changed nothing saves nothing.
import type { Photo } from '../dataset/photo.ts';
import type { TrainingSettings } from '../training/settings.ts';
import type { TroubleCode } from '../trouble.ts';

/** What a reload brings back: everything the user typed or dropped. Of photos only the id matters here. */
export interface ProjectOf<P> {
  modelId: string | null;
  photos: P[];
  unreadable: UnreadablePhoto[];
  identifier: string;
  classNoun: string;
  settings: Partial<TrainingSettings> & { preset: string };
  runId: string | null;
}
export type Project = ProjectOf<Photo>;

/** A file that was dropped and could not be read, with the reason: it is said until the user takes it off. */
export interface UnreadablePhoto {
  id: string;
  name: string;
  path?: string; // where it lay in what was dropped, if not by itself
  trouble: { code: TroubleCode | 'bug'; facts: object };
}

type Rest = Omit<Project, 'photos' | 'unreadable'>;
export interface ChangeOf<P extends Item> {
  set: Partial<Rest>;
  photos: ListChange<P>;
  unreadable: ListChange<UnreadablePhoto>;
}

export type ProjectChange = ChangeOf<Photo>;

interface Item {
  id: string;
}
export interface ListChange<T extends Item> {
  /** `before`: the older item that it stands in front of; null = at the end. */
  added: { item: T; before: string | null }[];
  edited: { id: string; to: Partial<T> }[];
  removed: string[];
}

/** What it takes to make `before` into `after`, but for the order of what both have; null = nothing. */
export function changeBetween(before: Project, after: Project): ProjectChange | null {
  const { photos: _photos, unreadable: _unreadable, ...rest } = after;
  const change: ProjectChange = {
    set: fieldsThatDiffer<Rest>(before, rest),
    photos: listChange(before.photos, after.photos),
    unreadable: listChange(before.unreadable, after.unreadable),
  };
  return Object.keys(change.set).length === 0 && isNone(change.photos) && isNone(change.unreadable) ? null : change;
}

export const applied = <P extends Item>(
  project: ProjectOf<P>,
  { set, photos, unreadable }: ChangeOf<P>,
): ProjectOf<P> => ({
  ...project,
  ...set,
  photos: listApplied(project.photos, photos),
  unreadable: listApplied(project.unreadable, unreadable),
});

export function listApplied<T extends Item>(list: readonly T[], { added, edited, removed }: ListChange<T>): T[] {
  const edits = new Map(edited.map(({ id, to }) => [id, to]));
  const next = list.filter(({ id }) => !removed.includes(id)).map((item) => ({ ...item, ...edits.get(item.id) }));
  for (const { item, before } of added) {
    if (next.some(({ id }) => id === item.id)) continue; // saved once already, and the answer was lost
    const at = next.findIndex(({ id }) => id === before);
    next.splice(at === -1 ? next.length : at, 0, item);
  }
  return next;
}

function listChange<T extends Item>(before: readonly T[], after: readonly T[]): ListChange<T> {
  const was = new Map(before.map((item) => [item.id, item]));
  const is = new Set(after.map(({ id }) => id));
  const change: ListChange<T> = {
    added: [],
    edited: [],
    removed: before.map(({ id }) => id).filter((id) => !is.has(id)),
  };
  let next: string | null = null; // the nearest item behind that was there before
  for (const item of after.toReversed()) {
    const old = was.get(item.id);
    if (!old) change.added.unshift({ item, before: next });
    else {
      next = item.id;
      const to = fieldsThatDiffer<T>(old, item);
      if (Object.keys(to).length > 0) change.edited.push({ id: item.id, to });
    }
  }
  return change;
}

const isNone = <T extends Item>({ added, edited, removed }: ListChange<T>): boolean =>
  added.length + edited.length + removed.length === 0;

/** Blobs all look alike here, which is right: a photo's bytes never change under its id. */
const same = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b);

const fieldsThatDiffer = <T extends object>(before: T, after: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(after).filter(([name, value]) => !same(before[name as keyof T], value)),
  ) as Partial<T>;
