// In: a Python program of tools/ and its arguments. Out: the program run by a Python that has torch and diffusers, its exit code.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './packages.mjs';

const OWN = [join(root, '.venv', 'bin', 'python'), join(root, '.venv', 'Scripts', 'python.exe')];
const hasDiffusers = (python: string) => spawnSync(python, ['-c', 'import diffusers, peft, transformers']).status === 0;

export const NO_PYTHON =
  'No Python with diffusers and peft: python3 -m venv .venv && .venv/bin/pip install -r tools/requirements.txt';

let found: string | undefined;

/** `.venv`'s Python, or the first on the path that has what tools/requirements.txt lists. DARKROOM_PYTHON names another. */
export function findPython(): string | undefined {
  const named = process.env.DARKROOM_PYTHON;
  found ??= [...(named ? [named] : []), ...OWN.filter((path) => existsSync(path)), 'python3'].find(hasDiffusers);
  return found;
}

/** Runs `tools/<file>` from the repository's top. Threads that spin while they wait make everything beside them crawl. */
export function runPython(python: string, file: string, args: string[], env: Record<string, string> = {}): number {
  const quiet = { TRANSFORMERS_VERBOSITY: 'error', OMP_WAIT_POLICY: 'passive', ...env };
  const options = { cwd: root, stdio: 'inherit', env: { ...quiet, ...process.env } } as const;
  return spawnSync(python, [join(root, 'tools', file), ...args], options).status ?? 1;
}
