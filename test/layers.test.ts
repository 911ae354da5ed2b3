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
  'gpu',
  'encoders',
  'dataset',
  'diffusion',
  'adapter',
  'training',
  'storage',
  'bench',
  'worker',
  'ui',
];
/** Vocabulary that every layer may name: the error class, what a long call says of itself, a name for something new. */
const FOR_ALL = ['trouble.ts', 'progress.ts', 'new-id.ts'];
const SEAM = ['worker/api.ts', 'worker/client.ts'];

interface Arrow {
  from: string; // file under src/
  to: string;
}

/** A reason why the arrow points back, or undefined. A type is an arrow like any other: it lives where it is made. */
function wrong({ from, to }: Arrow): string | undefined {
  if (FOR_ALL.includes(to)) return;
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
  /\b(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]*?from\s*)?['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]\s*\)|new URL\(\s*['"](\.[^'"]+)['"]/g;

function arrows(file: string, text: string): Arrow[] {
  return [...text.matchAll(STATEMENT)].map((found) => {
    const target = (found[1] ?? found[2] ?? found[3] ?? '').replace(/\?.*$/, '');
    return {
      from: file,
      to: relative(src, join(src, dirname(file), target))
        .split(sep)
        .join('/'),
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
    ['graph/a.ts', "import type { GpuBytes } from '../gpu/engine-types.ts';", true],
    ['dataset/a.ts', "import { type Project } from '../storage/project-store.ts';", true],
    ['training/a.ts', "export type { Studio } from '../worker/api.ts';", true],
    ['storage/a.ts', "import type { RunSummary } from '../training/run-summary.ts';", false],
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
