// The built folder in; a plain static host of it out: under a path, over http or https, with no header of its own.
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { generate } from 'selfsigned';
import { root } from '../../tools/packages.mjs';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
};

export interface PlainHost {
  port: number;
  close(): Promise<void>;
}

/** Serves dist/ under `path`, which begins and ends with a slash; all else is 404, as on a host that is shared with others. */
export async function plainHost(path: string, secure = false): Promise<PlainHost> {
  const answer: RequestListener = async (request, response) => {
    const asked = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const inside = normalize(asked.slice(path.length) || 'index.html');
    const bytes =
      asked.startsWith(path) && !inside.startsWith('..')
        ? await readFile(join(root, 'dist', inside)).catch(() => null)
        : null;
    if (bytes) response.setHeader('Content-Type', TYPES[extname(inside)] ?? 'application/octet-stream');
    response.writeHead(bytes ? 200 : 404).end(bytes ?? undefined);
  };
  const server = secure ? createSecureServer(await certificate(), answer) : createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function certificate(): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }]);
  return { key: made.private, cert: made.cert };
}
