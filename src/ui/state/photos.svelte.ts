// The photos of one thing: read one after another, in use or left out with the reason, cropped and captioned.
import type { Crop, Photo, PhotoFlag } from '../../worker/api.ts';
import { findMasks } from '../intake/masks.ts';
import type { CaptionFile } from '../intake/sidecars.ts';
import { Captions } from './captions.svelte.ts';
import { type Mishap, mishap, type StudioCalls, wasAborted } from './studio.ts';

/** `path`: in what was dropped, where it lay in a folder. */
export type Entry =
  | { id: string; name: string; path?: string; state: 'waiting' }
  | { id: string; name: string; path?: string; state: 'unreadable'; trouble: Mishap }
  | { id: string; name: string; state: 'ready'; photo: Photo };
export type UnreadableEntry = Extract<Entry, { state: 'unreadable' }>;
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
  readonly selectedUnreadable = $derived(
    this.entries.filter((entry) => entry.state === 'unreadable').find((entry) => entry.id === this.selectedId) ?? null,
  );
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

  restore(photos: Photo[]): void {
    const known = new Set(this.entries.map(({ id }) => id));
    const kept = photos.filter(({ id }) => !known.has(id));
    this.entries = [
      ...kept.map((photo): Entry => ({ id: photo.id, name: photo.name, state: 'ready', photo })),
      ...this.entries,
    ];
    this.selectedId ??= this.inUse[0]?.id ?? null;
  }

  /** Takes image files. `paths`: where each lay in what was dropped, if not by itself. */
  async add(files: readonly File[], paths: ReadonlyMap<File, string> = new Map()): Promise<void> {
    const images = files.map((file) => ({
      ...{ id: crypto.randomUUID(), file, name: file.name },
      path: paths.get(file) ?? file.name,
    }));
    this.entries = [
      ...this.entries,
      ...images.map(({ id, name, path }): Entry => ({ id, name, path, state: 'waiting' })),
    ];
    this.#caption();
    this.#markMasks();
    for (const { id, file, path } of images) {
      const stop = new AbortController();
      this.#stops.set(id, stop);
      this.#reading = this.#reading.then(() => this.#read(stop.signal, id, file, path));
    }
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

  async #read(signal: AbortSignal, id: string, file: File, path: string): Promise<void> {
    if (signal.aborted) return;
    const known = this.all.map((photo) => ({ id: photo.id, fingerprint: photo.reading.fingerprint }));
    try {
      const reading = await this.#studio.readPhoto(signal, file.name, file, known, this.#needs());
      const use = !reading.flags.some(leavesOut);
      const caption = this.captions.of(id);
      const photo: Photo = { id, name: file.name, file, reading, crop: wholeCrop, caption, use };
      if (path !== file.name) photo.path = path;
      this.#replace({ id, name: file.name, state: 'ready', photo });
      this.#markMasks();
      this.selectedId ??= id;
    } catch (error) {
      if (!wasAborted(error)) this.#replace({ id, name: file.name, path, state: 'unreadable', trouble: mishap(error) });
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
  changeAllCaptions(change: (caption: string) => string): () => void {
    return this.#undoable(
      this.entries.map((entry) =>
        entry.state === 'ready' ? { ...entry, photo: { ...entry.photo, caption: change(entry.photo.caption) } } : entry,
      ),
    );
  }
  /** Takes it off the sheet; the returned function puts it back where it was. */
  remove(id: string): () => void {
    const at = this.entries.findIndex((entry) => entry.id === id);
    this.#cancel(id);
    if (this.selectedId === id) this.selectedId = this.#neighbour(at);
    return this.#undoable(this.entries.filter((entry) => entry.id !== id));
  }
  clear(): () => void {
    for (const id of [...this.#stops.keys()]) this.#cancel(id);
    this.selectedId = null;
    this.captions.forget();
    return this.#undoable([]);
  }

  #cancel(id: string): void {
    this.#stops.get(id)?.abort();
    this.#stops.delete(id);
  }
  #neighbour(at: number): string | null {
    const others = [...this.entries.slice(at + 1), ...this.entries.slice(0, at).reverse()];
    return others.find((entry) => entry.state === 'ready')?.id ?? null;
  }
  #undoable(next: Entry[]): () => void {
    const before = this.entries;
    const selected = this.selectedId;
    this.entries = next;
    return () => {
      const newer = this.entries.filter((entry) => !before.some(({ id }) => id === entry.id));
      this.entries = [...before.filter((entry) => entry.state !== 'waiting' || this.#stops.has(entry.id)), ...newer];
      this.selectedId = selected;
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
