// The photos of one thing: read one after another, in use or left out with the reason, cropped and captioned.
import { newId } from '../../new-id.ts';
import type { Crop, Photo, PhotoFlag, UnreadablePhoto } from '../../worker/api.ts';
import { findMasks } from '../intake/masks.ts';
import type { CaptionFile } from '../intake/sidecars.ts';
import { putBack } from '../photos/put-back.ts';
import { Captions } from './captions.svelte.ts';
import { type AnyTrouble, type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

/** `again` reads the file once more; null where it is not at hand, after a reload or from another tab. */
export type Entry =
  | { id: string; name: string; path: string; state: 'waiting'; again: () => void }
  | { id: string; name: string; path: string; state: 'unreadable'; trouble: Mishap; again: (() => void) | null }
  | { id: string; name: string; state: 'ready'; photo: Photo };
export type UnreadableEntry = Extract<Entry, { state: 'unreadable' }>;
type WaitingEntry = Extract<Entry, { state: 'waiting' }>;
export type ReadyEntry = Extract<Entry, { state: 'ready' }>;

export const wholeCrop: Crop = { x: 0.5, y: 0.5, size: 1 };
/** These leave a photo out by themselves; the user can put it back. Blur and a long shape are advice only. */
const leavesOut = (flag: PhotoFlag): boolean => flag.kind !== 'blurred' && flag.kind !== 'panorama';
const pathOf = (entry: Entry): string => (entry.state === 'ready' ? entry.photo.path : entry.path) ?? entry.name;

export class Photos {
  entries = $state.raw<Entry[]>([]);
  selectedId = $state<string | null>(null);
  readonly ready = $derived(this.entries.filter((entry) => entry.state === 'ready'));
  readonly all = $derived(this.ready.map((entry) => entry.photo));
  readonly inUse = $derived(this.all.filter((photo) => photo.use));
  readonly waiting = $derived(this.entries.filter((entry) => entry.state === 'waiting').length);
  readonly selected = $derived(this.ready.find((entry) => entry.id === this.selectedId) ?? null);
  readonly #unreadable = $derived(this.entries.filter((entry) => entry.state === 'unreadable'));
  /** What was dropped and is no photo yet, or never will be: a reload must not lose it without a word. */
  readonly unreadable: UnreadablePhoto[] = $derived(
    this.entries.flatMap((entry): UnreadablePhoto[] => {
      const { id, name, state } = entry;
      if (state === 'ready') return [];
      const trouble = state === 'unreadable' ? entry.trouble : unread(id, name);
      return [{ id, name, ...(entry.path !== name && { path: entry.path }), trouble }];
    }),
  );
  readonly selectedUnreadable = $derived(this.#unreadable.find((entry) => entry.id === this.selectedId) ?? null);
  readonly captions = new Captions();
  readonly #studio: StudioCalls;
  readonly #needs: () => number;
  readonly #stops = new Map<string, AbortController>();
  #reading: Promise<void> = Promise.resolve();

  /** `needs`: px that the short side should have, for the model and the resolution of now. No photo waits for a model. */
  constructor(studio: StudioCalls, needs: () => number) {
    this.#studio = studio;
    this.#needs = needs;
  }

  /** Its number on the sheet, from 1; null when it is not there any more. */
  numberOf(id: string): number | null {
    return this.entries.findIndex((entry) => entry.id === id) + 1 || null;
  }

  /** The photos as the project has them, whoever added or removed them; what is being read here stays where it is. */
  restore(photos: readonly Photo[], unreadable: readonly UnreadablePhoto[]): void {
    const known = new Map(this.entries.map((entry) => [entry.id, entry]));
    const ready = photos.map((photo): Entry => {
      const here = known.get(photo.id);
      return here?.state === 'ready'
        ? withPictures(here, photo)
        : { id: photo.id, name: photo.name, state: 'ready', photo };
    });
    const troubled = unreadable
      .map(({ id, name, path, trouble }): Entry => {
        const here = known.get(id);
        if (here?.state === 'unreadable' && here.again) return here;
        return { id, name, path: path ?? name, state: 'unreadable', trouble: trouble as Mishap, again: null };
      })
      .filter(({ id }) => known.get(id)?.state !== 'waiting');
    const reading = this.entries.filter(({ state }) => state === 'waiting');
    const others = [...reading, ...troubled].filter(({ id }) => known.has(id));
    const here = putBack(ready, inOrderOf(this.entries, others), this.entries);
    this.entries = [...here, ...troubled.filter(({ id }) => !known.has(id))];
    if (!known.has(this.selectedId ?? '') || !this.entries.some(({ id }) => id === this.selectedId))
      this.selectedId = this.inUse[0]?.id ?? null;
  }

  /** Takes image files. `paths`: where each lay in what was dropped, if not by itself. */
  async add(files: readonly File[], paths: ReadonlyMap<File, string> = new Map()): Promise<void> {
    const images = files.map((file): WaitingEntry => {
      const [id, path] = [newId(), paths.get(file) ?? file.name];
      const again = (): void => this.#queue(id, file, path, again);
      return { id, name: file.name, path, state: 'waiting', again };
    });
    this.entries = [...this.entries.filter((entry) => !isDroppedAgain(entry, images)), ...images];
    this.#caption();
    this.#markMasks();
    for (const { again } of images) again();
    return this.#reading;
  }

  /** Takes caption files: each becomes the caption of its photo, whenever that comes. */
  addCaptions(files: readonly CaptionFile[]): void {
    this.captions.add(files);
    this.#caption();
  }

  #caption(): void {
    const places = this.entries.map((entry) => ({
      ...{ id: entry.id, path: pathOf(entry) },
      caption: entry.state === 'ready' ? entry.photo.caption : this.captions.of(entry.id),
    }));
    for (const [id, caption] of this.captions.give(places)) this.change(id, { caption });
  }

  #markMasks(): void {
    const masks = findMasks(this.entries.map(pathOf));
    this.entries = this.entries.map((entry) => (masks.has(pathOf(entry)) ? asMask(entry) : entry));
  }

  /** Reads it after those before it. */
  #queue(id: string, file: File, path: string, again: () => void): void {
    this.#replace({ id, name: file.name, path, state: 'waiting', again });
    const stop = new AbortController();
    this.#stops.set(id, stop);
    this.#reading = this.#reading.then(() => this.#read(stop.signal, id, file, path, again));
  }

  async #read(signal: AbortSignal, id: string, file: File, path: string, again: () => void): Promise<void> {
    if (signal.aborted) return;
    const known = this.all.map((photo) => ({ id: photo.id, fingerprint: photo.reading.fingerprint }));
    try {
      const { reading, file: copy } = await this.#studio.readPhoto(signal, id, file.name, file, known, this.#needs());
      const use = !reading.flags.some(leavesOut);
      const caption = this.captions.of(id);
      const photo: Photo = { id, name: file.name, file: copy, reading, crop: wholeCrop, caption, use };
      if (path !== file.name) photo.path = path;
      this.#replace({ id, name: file.name, state: 'ready', photo });
      this.#markMasks();
      this.selectedId ??= id;
    } catch (error) {
      if (!wasAborted(error))
        this.#replace({ id, name: file.name, path, state: 'unreadable', trouble: mishap(error), again });
    } finally {
      this.#stops.delete(id);
    }
  }

  /** After another model or resolution was chosen: which photos are too small for it now, and so left out, or are no longer. */
  judge(needs: number): void {
    const judged = this.entries.map((entry) => (entry.state === 'ready' ? judgedEntry(entry, needs) : entry));
    if (judged.some((entry, at) => entry !== this.entries[at])) this.entries = judged;
  }

  change(id: string, change: Partial<Pick<Photo, 'crop' | 'caption' | 'use'>>): void {
    const entry = this.ready.find((ready) => ready.id === id);
    if (entry) this.#replace({ ...entry, photo: { ...entry.photo, ...change } });
  }
  /** The returned function takes the change back, where the caption is still what it became. */
  changeAllCaptions(change: (caption: string) => string): () => void {
    const changed = this.all.map(({ id, caption }) => ({ id, was: caption, is: change(caption) }));
    for (const { id, is } of changed) this.change(id, { caption: is });
    return () => {
      for (const { id, was, is } of changed)
        if (this.all.some((photo) => photo.id === id && photo.caption === is)) this.change(id, { caption: was });
    };
  }
  /** It cannot be used any more, for a reason that only turned up now: it is said where the photo was. */
  lose(id: string, trouble: Mishap): void {
    const entry = this.ready.find((ready) => ready.id === id);
    if (entry) this.#replace({ id, name: entry.name, path: pathOf(entry), state: 'unreadable', trouble, again: null });
  }
  /** Takes it off the sheet; the returned function puts it back where it was. */
  remove(id: string): () => void {
    const at = this.entries.findIndex((entry) => entry.id === id);
    const selected = this.selectedId;
    if (selected === id) this.selectedId = this.#neighbour(at);
    return this.#takeOff([id], selected);
  }
  clear(): () => void {
    const selected = this.selectedId;
    this.selectedId = null;
    this.captions.forget();
    return this.#takeOff(
      this.entries.map(({ id }) => id),
      selected,
    );
  }

  #neighbour(at: number): string | null {
    const others = [...this.entries.slice(at + 1), ...this.entries.slice(0, at).reverse()];
    return others.find((entry) => entry.state === 'ready')?.id ?? null;
  }
  /** Undone, it puts back these and nothing else: the others may have changed meanwhile, in another tab too. */
  #takeOff(ids: readonly string[], selected: string | null): () => void {
    const before = this.entries;
    const gone = before.filter(({ id }) => ids.includes(id));
    for (const { id } of gone) this.#stops.get(id)?.abort();
    this.entries = before.filter((entry) => !gone.includes(entry));
    return () => {
      const missing = gone.filter(({ id }) => !this.entries.some((entry) => entry.id === id));
      this.entries = putBack(this.entries, missing, before);
      this.selectedId = selected;
      for (const entry of missing) if (entry.state === 'waiting') entry.again();
    };
  }
  #replace(entry: Entry): void {
    this.entries = this.entries.map((old) => (old.id === entry.id ? entry : old));
  }
}

function judgedEntry(entry: ReadyEntry, needs: number): ReadyEntry {
  const { photo } = entry;
  const { width, height, flags } = photo.reading;
  const shortSide = Math.min(width, height);
  const before = flags.find((flag) => flag.kind === 'too-small');
  if (before ? before.needs === needs : shortSide >= needs) return entry;
  const others = flags.filter((flag) => flag.kind !== 'too-small');
  const now: PhotoFlag[] = shortSide < needs ? [{ kind: 'too-small', shortSide, needs }, ...others] : others;
  // What the user decided stands for as long as the verdict is the same.
  const use = (before !== undefined) === shortSide < needs ? photo.use : !now.some(leavesOut);
  return { ...entry, photo: { ...photo, use, reading: { ...photo.reading, flags: now } } };
}

/** Kept aside once; what the user then decides stands. */
function asMask(entry: Entry): Entry {
  if (entry.state !== 'ready' || entry.photo.reading.flags.some(({ kind }) => kind === 'mask')) return entry;
  const { photo } = entry;
  const flags: PhotoFlag[] = [{ kind: 'mask' }, ...photo.reading.flags];
  return { ...entry, photo: { ...photo, use: false, reading: { ...photo.reading, flags } } };
}
/** What was edited elsewhere, in the pictures that are on screen already: the same entry when nothing was. */
function withPictures(here: ReadyEntry, edited: Photo): ReadyEntry {
  const { file, reading } = here.photo;
  const photo = { ...edited, file, reading: { ...edited.reading, thumbnail: reading.thumbnail } };
  return JSON.stringify(photo) === JSON.stringify(here.photo) ? here : { ...here, photo };
}
const unread = (id: string, file: string): AnyTrouble => ({
  ...{ code: 'photo-unreadable', facts: { file, reason: 'unread', id } },
});
const inOrderOf = (order: readonly Entry[], entries: readonly Entry[]): Entry[] => {
  const place = new Map(order.map(({ id }, at) => [id, at]));
  return entries.toSorted((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
};
/** What can be mended by dropping the file again, which has happened. */
const isDroppedAgain = (entry: Entry, files: readonly { name: string }[]): boolean =>
  entry.state === 'unreadable' &&
  entry.trouble.code === 'photo-unreadable' &&
  ['gone', 'lost', 'unread'].includes(entry.trouble.facts.reason) &&
  files.some(({ name }) => name === entry.name);
