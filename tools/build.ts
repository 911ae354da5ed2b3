// In: the sources. Out: dist/, built anew when a source is younger than it; and a local server of it.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, normalize, sep } from 'node:path';
import { build, type PreviewServer, preview } from 'vite';
import { root } from './packages.mjs';

const SOURCES = ['index.html', 'automation.html', 'vite.config.ts', 'package-lock.json', 'src', 'shaders', 'public'];

export async function buildIfStale(say: (line: string) => void): Promise<void> {
  const built = join(root, 'dist', 'index.html');
  const newest = Math.max(...SOURCES.map((name) => youngest(join(root, name))));
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  say('Building …');
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' });
}

/** Serves dist/ on localhost (a secure context, which WebGPU wants). `model` is a folder put in place of models/demo/. */
export async function serve(options: {
  port: number;
  strictPort?: boolean;
  model?: string;
}): Promise<{ url: string; close(): Promise<void> }> {
  const { model } = options;
  const server: PreviewServer = await preview({
    root,
    configFile: join(root, 'vite.config.ts'),
    logLevel: 'warn',
    preview: { port: options.port, strictPort: options.strictPort ?? false, host: 'localhost', open: false },
    plugins: model === undefined ? [] : [replaceModel(model)],
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) throw new Error('the server has no address');
  return { url, close: () => server.close() };
}

function replaceModel(folder: string) {
  return {
    name: 'replace-demo-model',
    configurePreviewServer(server: PreviewServer) {
      server.middlewares.use((request, response, next) => {
        const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
        const file = path.startsWith('/models/demo/') ? join(folder, path.slice('/models/demo/'.length)) : undefined;
        if (file === undefined) return next();
        if (!normalize(file).startsWith(normalize(folder) + sep) || !existsSync(file)) {
          response.statusCode = 404;
          return response.end();
        }
        const bytes = readFileSync(file);
        response.setHeader('content-type', file.endsWith('.json') ? 'application/json' : 'application/octet-stream');
        response.setHeader('content-length', bytes.length);
        response.end(bytes);
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
