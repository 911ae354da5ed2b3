// Caption files as they are dropped in, before, after or together with their photos; the photos' captions out, the same in any order.
import { folded, nameOf } from '../intake/paths.ts';
import { type CaptionFile, captionLines, type Pairs, pairCaptions } from '../intake/sidecars.ts';
import type { LeftOut, Reason } from '../intake/sort-drop.ts';

export class Captions {
  /** Texts that are not, or not wholly, a photo's caption. */
  leftOut = $state.raw<LeftOut[]>([]);
  /** Texts that still look for their photo, or have found it in another folder and go to one in their own if it comes. */
  readonly #files = new Map<string, CaptionFile>();
  readonly #given = new Map<string, string>();
  /** By photo: the name of the text in its own folder. */
  readonly #own = new Map<string, string>();
  readonly #closed = new Set<string>();

  add(files: readonly CaptionFile[]): void {
    for (const file of files) this.#files.set(folded(file.path), file);
  }

  /** What a photo that is still being read will be captioned with. */
  of(id: string): string {
    return this.#given.get(id) ?? '';
  }

  /** The captions that change, by photo. What the user typed is never written over. `caption`: what it is now. */
  give(photos: readonly { id: string; path: string; caption: string }[]): Map<string, string> {
    const places = photos.map((photo) => ({ ...photo, settled: this.#own.get(photo.id) }));
    const pairs = pairCaptions(places, [...this.#files.values()]);
    const changes = new Map<string, string>();
    const kept: CaptionFile[] = [];
    for (const { id, caption } of photos) {
      const pair = pairs.given.get(id);
      if (!pair && (this.#own.has(id) || !this.#given.has(id))) continue;
      if (pair?.own) this.#own.set(id, folded(nameOf(pair.file.path)));
      const next = pair ? captionLines(pair.file.text).caption : ''; // '': the one from elsewhere has found its own photo
      if (next === caption) continue;
      if (caption !== '' && caption !== this.#given.get(id)) {
        if (pair) kept.push(pair.file);
        continue;
      }
      this.#given.set(id, next);
      changes.set(id, next);
    }
    this.#tell(pairs, kept);
    const own = [...pairs.given.values()].filter((pair) => pair.own).map(({ file }) => file);
    for (const { path } of [...own, ...pairs.second, ...kept]) this.#files.delete(folded(path));
    return changes;
  }

  /** The photos are gone, and with them what was meant for them. */
  forget(): void {
    this.#files.clear();
    this.#given.clear();
    this.#own.clear();
    this.#closed.clear();
    this.leftOut = [];
  }
  /** What was said is read; texts that found no photo wait on. */
  close(): void {
    for (const { path } of this.leftOut) this.#closed.add(path);
    this.leftOut = [];
  }

  #tell(pairs: Pairs, kept: readonly CaptionFile[]): void {
    const used = [...new Set([...pairs.given.values()].map(({ file }) => file))].filter((file) => !kept.includes(file));
    const longer = used.filter(({ text }) => captionLines(text).more);
    const as = (reason: Reason, files: readonly CaptionFile[]) => files.map(({ path }): LeftOut => ({ path, reason }));
    const said = this.leftOut.filter(({ reason }) => reason !== 'no-photo');
    const news = [...as('second-caption', pairs.second), ...as('caption-kept', kept), ...as('more-lines', longer)];
    const fresh = news.filter((one) => !said.some(({ path, reason }) => path === one.path && reason === one.reason));
    this.leftOut = [...said, ...fresh, ...as('no-photo', pairs.loose).filter(({ path }) => !this.#closed.has(path))];
  }
}
