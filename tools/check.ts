// In: the sources. Out: exit code 0 when types, Svelte and style are right; each tool's own words otherwise.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './packages.mjs';

const CHECKS: [string, string[]][] = [
  ['tsc', ['--noEmit']],
  ['svelte-check', ['--tsconfig', './tsconfig.json', '--fail-on-warnings', '--output', 'human']],
  ['biome', ['check', '--error-on-warnings']],
];

export function main(): number {
  const failed = CHECKS.filter(([tool, args]) => {
    const program = join(root, 'node_modules', '.bin', process.platform === 'win32' ? `${tool}.cmd` : tool);
    const { status } = spawnSync(program, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    return status !== 0;
  });
  console.log(
    failed.length === 0 ? 'check: all well' : `check: ${failed.map(([tool]) => tool).join(', ')} found something`,
  );
  return failed.length === 0 ? 0 : 1;
}
