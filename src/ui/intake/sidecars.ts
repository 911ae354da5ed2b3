// Photos' paths and caption files in; which text belongs to which photo out. The one place where captions beside photos are matched.
import { folded, folderOf, nameOf, stemOf } from './paths.ts';

export interface CaptionFile {
  path: string; // in what was dropped
  text: string;
}
export interface PhotoPlace {
  id: string;
  path: string;
  /** The name of the text that it has from its own folder: none from elsewhere is for it. */
  settled?: string | undefined;
}
export interface Pairs {
  /** `own`: the text lies in the photo's folder. */
  given: Map<string, { file: CaptionFile; own: boolean }>;
  /** Beside a photo that takes another text. */
  second: CaptionFile[];
  /** No photo, or no telling which. */
  loose: CaptionFile[];
}

/** What the text of `a.png` may be called, the first that is there counting. */
const endings = ['.txt', '.caption'];
const candidates = (path: string): string[] =>
  [nameOf(path), stemOf(nameOf(path))].flatMap((base) => endings.map((ending) => folded(base + ending)));

/**
 * In its own folder first: `x/1.txt` is for `x/1.png` and not for `y/1.png`. What finds nothing there goes to the photos of its name elsewhere
 * (texts kept in a folder of their own, or dropped without one), unless several texts or photos of several folders could be meant.
 */
export function pairCaptions(photos: readonly PhotoPlace[], files: readonly CaptionFile[]): Pairs {
  const given: Pairs['given'] = new Map();
  const beside = new Map(files.map((file) => [folded(file.path), file]));
  const [taken, second] = [new Set<CaptionFile>(), new Set<CaptionFile>()];
  for (const { id, path, settled } of photos) {
    const folder = folderOf(path) && `${folded(folderOf(path))}/`;
    const names = candidates(path);
    const found = new Set(names.flatMap((name) => beside.get(folder + name) ?? []));
    for (const file of found) {
      const rank = names.indexOf(folded(nameOf(file.path)));
      if (given.has(id) || (settled !== undefined && rank > names.indexOf(settled))) second.add(file);
      else {
        given.set(id, { file, own: true });
        taken.add(file);
      }
    }
  }
  const free = files.filter((file) => !taken.has(file) && !second.has(file));
  pairElsewhere(
    photos.filter(({ id, settled }) => settled === undefined && !given.has(id)),
    free,
    given,
  );
  const elsewhere = new Set([...given.values()].map(({ file }) => file));
  return {
    given,
    second: [...second].filter((file) => !taken.has(file)),
    loose: free.filter((file) => !elsewhere.has(file)),
  };
}

function pairElsewhere(photos: readonly PhotoPlace[], files: readonly CaptionFile[], given: Pairs['given']): void {
  const named = grouped(files, ({ path }) => folded(nameOf(path)));
  const asking = grouped(photos, ({ path }) => candidates(path).find((name) => named.has(name)) ?? '');
  for (const [name, askers] of asking) {
    const found = named.get(name) ?? [];
    const folders = new Set(askers.map(({ path }) => folded(folderOf(path))));
    if (found.length === 1 && folders.size === 1)
      for (const { id } of askers) given.set(id, { file: found[0]!, own: false });
  }
}

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** The first line that says something: kohya's tools put alternatives on further lines. */
export function captionLines(text: string): { caption: string; more: boolean } {
  const lines = text
    .split(/\r\n?|\n|\u2028|\u2029/)
    .map((line) => line.trim())
    .filter(Boolean);
  return { caption: lines[0] ?? '', more: lines.length > 1 };
}
