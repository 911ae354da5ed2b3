// In: the tracked files. Out: a failure for each that breaks a promise of the project: no machine's paths, no registry's addresses, no remote calls.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });

// Written in pieces, so that this file does not name what it looks for.
const PLACES = `/(${['work', 'farm', 'root', 'tmp'].join('|')})/[a-z]`;
const HOSTS = [
  'registry[.](npm' + 'js|yarn' + 'pkg)',
  'deb[.]debi' + 'an',
  'pypi[.]o' + 'rg',
  'files[.]python' + 'hosted',
].join('|');

describe('promises', () => {
  test('no tracked file names a path of somebody’s machine or a registry’s host', () => {
    const { status, stdout, stderr } = git('grep', '-nIE', `${PLACES}|${HOSTS}`, '--', '.', ':!*.svg');
    expect(stderr).toBe('');
    expect(status === 1 ? '' : stdout).toBe('');
  });

  test('the lock file holds no download addresses', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    expect(lock).not.toContain('"resolved"');
    expect(lock).toContain('"integrity"');
  });

  test('every source file begins by saying what comes in and what goes out', () => {
    const files = git('ls-files', 'src', 'shaders', 'tools')
      .stdout.split('\n')
      .filter((file) => /\.(ts|mts|mjs|wgsl|svelte|py)$/.test(file));
    expect(files.length).toBeGreaterThan(20);
    const silent = files.filter(
      (file) => !/^(#!.*\n|<script[^>]*>\s*)?(\/\/|\/\*|<!--|#|r?""")/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(silent).toEqual([]);
  });

  test('the page’s own code speaks to no other host', () => {
    // Links for people and names in metadata are fine; a fetch, an import, a font or a script from elsewhere is not.
    const { stdout } = git(
      'grep',
      '-nE',
      String.raw`(fetch|import|URL|src|url)[=(]\s*.https?://`,
      '--',
      'src',
      'index.html',
      'automation.html',
    );
    expect(stdout).toBe('');
  });

  test('every file is named in kebab case', () => {
    const files = git('ls-files', 'src', 'shaders', 'tools', 'test').stdout.split('\n').filter(Boolean);
    const odd = files.filter(
      (file) => /\.(ts|wgsl|mjs)$/.test(file) && !/^[a-z0-9][a-z0-9.-]*$/.test(file.split('/').at(-1) ?? ''),
    );
    expect(odd).toEqual([]);
  });
});
