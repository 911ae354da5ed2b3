// In: nothing. Out: node_modules as package-lock.json says, installed when missing or older than the lock file. No dependencies of its own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
const modules = join(root, 'node_modules');
const installedLock = join(modules, '.package-lock.json'); // npm's own record of what it installed
const marker = join(modules, '.darkroom'); // the lock file that we installed from, hashed

const lockText = () => readFileSync(join(root, 'package-lock.json'), 'utf8');
const lockHash = () => createHash('sha256').update(lockText()).digest('hex');

/** A package that is missing or of another version than the lock file's. */
function stale() {
  if (!existsSync(installedLock)) return true;
  if (existsSync(marker) && readFileSync(marker, 'utf8') === lockHash()) return false;
  const wanted = JSON.parse(lockText()).packages;
  const have = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  return Object.entries(wanted).some(
    ([name, entry]) => name !== '' && !entry.optional && have[name]?.version !== entry.version,
  );
}

/** The bundler is a native program in a package per platform: loading it shows that the one for this platform is there. */
const loads = () => spawnSync(process.execPath, ['-e', "import('vite')"], { cwd: root, stdio: 'ignore' }).status === 0;

let words = '';
function npm(...args) {
  // Nothing we use needs a dependency's install script.
  const done = spawnSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  words = `${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}`;
  return done.status === 0;
}

/**
 * `npm ci` refuses a lock file without the packages of every platform, which it has not when the registry it was written with had not got them
 * all; `npm install` takes what there is. What is still missing for this platform then is looked up by package.json alone.
 */
const install = () =>
  ((npm('ci') || npm('install', '--no-save')) && loads()) || (npm('install', '--no-package-lock') && loads());

export function ensurePackages() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Darkroom needs Node 20.19 or newer (Vite does); this is ${process.versions.node}.`);
    process.exit(1);
  }
  if (!stale()) return;
  console.error('Installing packages (npm) …');
  if (!install()) {
    console.error(`${words}\nThe packages could not be installed. Check the network and run the command again.`);
    process.exit(1);
  }
  writeFileSync(marker, lockHash());
}
