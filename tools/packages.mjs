// In: nothing. Out: node_modules as package-lock.json says, installed by `npm ci` when missing or older than the lock file. No dependencies of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** npm writes its own copy of the lock beside what it installed: a package that is missing there or of another version is stale. */
function stale() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).some(
    ([name, entry]) => name !== '' && !entry.optional && have[name]?.version !== entry.version,
  );
}

export function ensurePackages() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Darkroom needs Node 20.19 or newer (Vite does); this is ${process.versions.node}.`);
    process.exit(1);
  }
  if (!stale()) return;
  console.error('Installing packages (npm ci) …');
  // Nothing we use needs a dependency's install script.
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error(
      'npm ci failed: the packages above could not be installed. Check the network and run the command again.',
    );
    process.exit(done.status ?? 1);
  }
}
