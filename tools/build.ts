// In: the sources. Out: dist/, built anew when a source is younger than it; and a local server of it.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join, normalize, sep } from 'node:path';
import { build, type Plugin, type PreviewServer, preview } from 'vite';
import { contentPolicy } from '../src/storage/content-policy.ts';
import { root } from './packages.mjs';

const SOURCES = ['index.html', 'automation.html', 'vite.config.ts', 'package-lock.json', 'src', 'shaders', 'public'];

export async function buildIfStale(say: (line: string) => void): Promise<void> {
  const built = join(root, 'dist', 'index.html');
  const newest = Math.max(...SOURCES.map((name) => youngest(join(root, name))));
  if (existsSync(built) && statSync(built).mtimeMs > newest && samePolicy()) return;
  say('Building …');
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
}

/** `npm run build`. */
export const main = (): Promise<unknown> => build({ root, configFile: join(root, 'vite.config.ts') });

/** Whether dist/ was built with today's DARKROOM_MIRROR. */
function samePolicy(): boolean {
  const headers = join(root, 'dist', '_headers');
  return existsSync(headers) && readFileSync(headers, 'utf8').includes(contentPolicy(process.env.DARKROOM_MIRROR));
}

/** The page with another module in the place of one of its own, built into `outDir` (under .cache/). `original`, `other`: paths from the root. */
export async function buildWith(outDir: string, original: string, other: string): Promise<void> {
  const plugin = (): Plugin => ({
    name: 'other-module',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      if (!importer || importer === join(root, other) || !source.endsWith(`/${basename(original)}`)) return null;
      const found = await this.resolve(source, importer, { ...options, skipSelf: true });
      return found?.id === join(root, original) ? join(root, other) : null;
    },
  });
  await build({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'warn',
    plugins: [plugin()],
    worker: { plugins: () => [plugin()] },
    build: { outDir: join(root, outDir), emptyOutDir: true },
  });
}

/** What a server answers in place of the built file: its bytes, null = 404, undefined = the file as it is. */
export type Replace = (path: string) => Buffer | null | undefined;

/** Serves a built folder on localhost (a secure context, which WebGPU wants). */
export async function serve(options: {
  port: number;
  strictPort?: boolean;
  replace?: Replace;
  outDir?: string; // from the root; dist/
  /** Where addresses below `/mirror/` are answered: the page may ask no other origin than its own. */
  mirror?: URL;
}): Promise<{ url: string; close(): Promise<void> }> {
  const { port, strictPort = false, replace, outDir = 'dist', mirror } = options;
  const server: PreviewServer = await preview({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: join(root, outDir) },
    preview: {
      ...{ port, strictPort, host: 'localhost', open: false },
      proxy: mirror ? { '/mirror/': { target: mirror.href, rewrite: (path) => path.replace(/^\/mirror/, '') } } : {},
    },
    plugins: replace ? [replacing(replace)] : [],
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('the server has no address');
  return { url, close: () => server.close() };
}

/** A model folder in place of models/demo/. */
export function replaceModel(folder: string): Replace {
  return (path) => {
    if (!path.startsWith('/models/demo/')) return;
    const file = normalize(join(folder, path.slice('/models/demo/'.length)));
    const inside = file.startsWith(normalize(folder) + sep);
    return inside && existsSync(file) && statSync(file).isFile() ? readFileSync(file) : null;
  };
}

function replacing(replace: Replace) {
  const types: Record<string, string> = { '.json': 'application/json', '.js': 'text/javascript' };
  return {
    name: 'replacing',
    configurePreviewServer(server: PreviewServer) {
      server.middlewares.use((request, response, next) => {
        const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
        const bytes = replace(path);
        if (bytes === undefined) return next();
        response.statusCode = bytes ? 200 : 404;
        response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream');
        response.setHeader('content-length', bytes?.length ?? 0);
        response.setHeader('cache-control', 'no-cache');
        response.end(bytes ?? undefined);
      });
    },
  };
}

function youngest(path: string): number {
  if (!existsSync(path)) return 0;
  const here = statSync(path);
  if (!here.isDirectory()) return here.mtimeMs;
  // A folder's own time changes when a file in it is removed.
  return Math.max(here.mtimeMs, ...readdirSync(path).map((name) => youngest(join(path, name))));
}
