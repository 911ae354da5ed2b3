// In: a Python program of tools/ and its arguments. Out: the program run by a Python that has torch and diffusers, its exit code.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './packages.mjs';

const OWN = [join(root, '.venv', 'bin', 'python'), join(root, '.venv', 'Scripts', 'python.exe')];
/** What most of tools/ needs. */
const DIFFUSERS = 'diffusers, peft, transformers';

export const NO_PYTHON =
  'No Python with diffusers and peft: python3 -m venv .venv && .venv/bin/pip install -r tools/requirements.txt';

const found = new Map<string, string | undefined>();

/** `.venv`'s Python, or the first on the path that has what is needed of tools/requirements.txt. DARKROOM_PYTHON names another. */
export function findPython(packages = DIFFUSERS): string | undefined {
  if (found.has(packages)) return found.get(packages);
  const named = process.env.DARKROOM_PYTHON;
  const has = (python: string): boolean => spawnSync(python, ['-c', `import ${packages}`]).status === 0;
  const python = [...(named ? [named] : []), ...OWN.filter((path) => existsSync(path)), 'python3'].find(has);
  found.set(packages, python);
  return python;
}

/** The same; where there is none, `.venv` is made with what tools/requirements.txt lists (minutes, and a few GB). @throws Error when that fails. */
export function ensurePython(): string {
  const here = findPython();
  if (here) return here;
  console.log('Installing torch and diffusers into .venv …');
  const requirements = readFileSync(join(root, 'tools', 'requirements.txt'), 'utf8');
  // torch by itself and first: a range in another package's requirements would otherwise bring the newest one.
  const torch = /^torch==\S+/m.exec(requirements)?.[0] ?? 'torch';
  const run = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { cwd: root, stdio: 'inherit' }).status === 0;
  const pip = (...args: string[]): boolean =>
    OWN.some((python) => existsSync(python) && run(python, '-m', 'pip', 'install', '--quiet', ...args));
  const installed = run('python3', '-m', 'venv', '.venv') && pip(torch) && pip('-r', 'tools/requirements.txt');
  const python = installed ? findPython() : undefined;
  if (!python) throw new Error(NO_PYTHON);
  return python;
}

/** Runs `tools/<file>` from the repository's top. Threads that spin while they wait make everything beside them crawl. */
export function runPython(python: string, file: string, args: string[], env: Record<string, string> = {}): number {
  const quiet = { TRANSFORMERS_VERBOSITY: 'error', OMP_WAIT_POLICY: 'passive', ...env };
  const options = { cwd: root, stdio: 'inherit', env: { ...quiet, ...process.env } } as const;
  return spawnSync(python, [join(root, 'tools', file), ...args], options).status ?? 1;
}
