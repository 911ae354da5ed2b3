// Paths of pictures in; which of them are masks of others, by what trainers call them, out.
import { folded, folderOf, nameOf, stemOf } from './paths.ts';

/** OneTrainer's own endings; nobody calls a photo so. */
const alwaysMask = /.-(masklabel|condlabel)$/i;
const mask = /^(.+)[-_. ]mask$/i;

/** `a-masklabel.png`, wherever it is; `a_mask.png` where `a.png` or the like lies beside it. */
export function findMasks(paths: readonly string[]): Set<string> {
  const place = (path: string, stem: string) => folded(`${folderOf(path)}/${stem}`);
  const places = new Set(paths.map((path) => place(path, stemOf(nameOf(path)))));
  return new Set(
    paths.filter((path) => {
      const stem = stemOf(nameOf(path));
      const of = mask.exec(stem)?.[1];
      return alwaysMask.test(stem) || (of !== undefined && places.has(place(path, of)));
    }),
  );
}
