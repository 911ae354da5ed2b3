// In: a TypeScript file of this repository and its arguments. Out: the file, run as Vite sees it (import.meta.glob, ?raw), and its exit code.
// A file may simply do its work at the top level, or export `main(args)`, whose number becomes the exit code.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensurePackages } from './packages.mjs';

const [file, ...rest] = process.argv.slice(2);
if (!file) {
  console.error('usage: node tools/run.mjs FILE.ts [-- ARGUMENTS]');
  process.exit(2);
}
const args = rest[0] === '--' ? rest.slice(1) : rest;
const path = resolve(file);
process.argv = [process.argv[0], path, ...args];

ensurePackages();
// runnerImport transforms and runs modules in this process: no server, no port, no dependency pre-bundling.
const { runnerImport } = await import('vite');
try {
  const { module } = await runnerImport(pathToFileURL(path).href, {
    root: resolve(import.meta.dirname, '..'),
    logLevel: 'error',
  });
  if (typeof module.main === 'function') process.exitCode = (await module.main(args)) ?? process.exitCode ?? 0;
} catch (error) {
  const misspelt = String(error?.code).startsWith('ERR_PARSE_ARGS');
  console.error(misspelt ? error.message : error);
  process.exitCode = misspelt ? 2 : 1;
}
// Dawn keeps threads of its own alive; what was written to stdout is flushed first.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write('', done))));
process.exit(process.exitCode ?? 0);
