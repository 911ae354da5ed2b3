// In: nothing. Out: a page of the tests' own, built and served; and the built page itself with a line in front of its worker's script.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, preview } from 'vite';
import { buildIfStale, serve } from '../../tools/build.ts';
import { root } from '../../tools/packages.mjs';

export interface Site {
  url: string;
  close(): Promise<void>;
}

/** crops-page.html, whose code is the page's own. */
export async function cropsPage(port: number): Promise<Site> {
  const outDir = join(root, '.cache', 'crops-page');
  const page = 'test/firefox/crops-page.html';
  const common = { root, configFile: false, logLevel: 'warn' } as const;
  await build({
    ...common,
    worker: { format: 'es' },
    build: { outDir, emptyOutDir: true, copyPublicDir: false, target: 'es2022', rolldownOptions: { input: page } },
  });
  const server = await preview({ ...common, build: { outDir }, preview: { port, host: 'localhost', open: false } });
  return { url: new URL(page, server.resolvedUrls?.local[0]).href, close: () => server.close() };
}

/** dist/, built if need be. `first`: what runs before anything else in the studio's worker. */
export async function builtPage(port: number, first = ''): Promise<Site> {
  await buildIfStale(console.log);
  return serve({
    port,
    replace: (path) => {
      if (first === '' || !/\/studio\.worker-[^/]*\.js$/.test(path)) return;
      return Buffer.concat([Buffer.from(`${first};\n`), readFileSync(join(root, 'dist', path))]);
    },
  });
}
