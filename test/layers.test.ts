// In: every import under src/. Out: a failure for each arrow that points back up the layers (DESIGN.md §2), and for an op without its shader or the reverse.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

/** Each imports only from those before it and from itself. */
const LAYERS = [
  'tensor',
  'graph',
  'ops',
  'model',
  'plan',
  'files',
  'storage',
  'gpu',
  'encoders',
  'dataset',
  'diffusion',
  'adapter',
  'training',
  'worker',
  'ui',
];
/** Vocabulary without behaviour: types (and the error class) that every layer may name. */
const FOR_ALL = ['trouble.ts'];
const TYPES_FOR_ALL = ['worker/api.ts', 'gpu/engine-types.ts'];
const SEAM = ['worker/api.ts', 'worker/client.ts'];

interface Arrow {
  from: string; // file under src/
  to: string;
  typeOnly: boolean;
}

/** A reason why the arrow points back, or undefined. */
function wrong({ from, to, typeOnly }: Arrow): string | undefined {
  if (FOR_ALL.includes(to) || (typeOnly && TYPES_FOR_ALL.includes(to))) return;
  const [above, here] = [layer(to), layer(from)];
  if (here === undefined) return; // src/*.ts: the pages' entries, below everything
  if (above === here) return;
  if (above === undefined) return `${from} imports an entry, ${to}`;
  if (!LAYERS.includes(above)) return `${to}: "${above}" is no layer`;
  if (!LAYERS.includes(here)) return `${from}: "${here}" is no layer`;
  if (here === 'ui')
    return SEAM.includes(to) ? undefined : `${from} imports ${to}: the page sees only ${SEAM.join(' and ')}`;
  return LAYERS.indexOf(above) < LAYERS.indexOf(here)
    ? undefined
    : `${from} imports ${to}: ${above} comes after ${here}`;
}

const layer = (file: string): string | undefined => (file.includes('/') ? file.split('/')[0] : undefined);

const STATEMENT =
  /\b(import|export)\s+(type\s+)?([\w*{}\s,$]*?from\s*)?['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+)['"]/g;

function arrows(file: string, text: string): Arrow[] {
  return [...text.matchAll(STATEMENT)].map((found) => {
    const target = (found[4] ?? found[5] ?? found[6] ?? '').replace(/\?.*$/, '');
    const names = found[3] ?? '';
    const allTypes =
      /^\{/.test(names) &&
      names
        .replace(/[{}]|from/g, '')
        .split(',')
        .filter((n) => n.trim())
        .every((n) => /^\s*type\s/.test(n));
    return {
      from: file,
      to: relative(src, join(src, dirname(file), target))
        .split(sep)
        .join('/'),
      typeOnly: found[2] !== undefined || allTypes,
    };
  });
}

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.split(sep).join('/'))
  .filter((file) => /\.(ts|svelte)$/.test(file));

describe('layers', () => {
  test('no import points back', () => {
    const found = sources
      .flatMap((file) => arrows(file, readFileSync(join(src, file), 'utf8')))
      .filter((arrow) => /\.(ts|svelte)$/.test(arrow.to));
    expect(found.length).toBeGreaterThan(sources.length / 2); // the pattern still reads imports
    expect(found.map(wrong).filter(Boolean)).toEqual([]);
  });

  test.each([
    ['graph/a.ts', "import { run } from '../gpu/run.ts';", true],
    ['graph/a.ts', "import type { GpuBytes } from '../worker/api.ts';", false],
    ['graph/a.ts', "import { type GpuBytes } from '../worker/api.ts';", false],
    ['graph/a.ts', "import { dims } from '../tensor/tensor.ts';", false],
    ['training/a.ts', "export * from '../worker/studio.worker.ts';", true],
    ['training/a.ts', "const later = await import('../ui/App.svelte');", true],
    ['ui/a/b.svelte', "import { readAdapter } from '../../adapter/read.ts';", true],
    ['ui/a/b.svelte', "import { StudioClient } from '../../worker/client.ts';", false],
    ['tensor/a.ts', "import { Trouble } from '../trouble.ts';", false],
    ['helpers/a.ts', "import { dims } from '../tensor/tensor.ts';", true],
  ])('control: %s with %s', (file, text, fails) => {
    const [arrow] = arrows(file, text);
    expect(arrow).toBeDefined();
    expect(wrong(arrow!) !== undefined).toBe(fails);
  });

  test('every shader is named by an op', () => {
    const ops = sources
      .filter((file) => /^(ops|gpu)\//.test(file))
      .map((file) => readFileSync(join(src, file), 'utf8'))
      .join('\n');
    const shaders = readdirSync(join(root, 'shaders'))
      .filter((file) => file.endsWith('.wgsl'))
      .map((file) => file.replace(/\.wgsl$/, ''));
    expect(shaders.length).toBeGreaterThan(0);
    expect(shaders.filter((name) => !ops.includes(`'${name}'`))).toEqual([]);
  });
});
