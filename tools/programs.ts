// In: the names and places that a program may have. Out: the path of the first that this machine can run.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** `named` by the user, if anything; else the first of `names` on PATH; else the first of `places`. */
export function findProgram(named: string | undefined, names: string[], places: string[]): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).flatMap((dir) => names.map((name) => join(dir, name)));
  return [named, ...onPath, ...places].find((path) => path !== undefined && path !== '' && runs(path));
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
