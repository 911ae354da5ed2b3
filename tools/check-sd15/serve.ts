// A folder in; an address on this machine that serves its files, whole or by range, out.
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';

export interface Served {
  url: URL; // of the folder, with a slash at its end
  close(): void;
}

/** Listens on a free port of 127.0.0.1. One range a request, as the hub answers them (RFC 9110 §14). */
export async function serve(folder: string): Promise<Served> {
  const server = createServer((request, response) => {
    void answer(folder, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(`http://127.0.0.1:${port}/`),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
  const file = join(folder, path);
  const found: Stats | null = path.includes('..') ? null : await stat(file).catch(() => null);
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Expose-Headers', 'Accept-Ranges, Content-Range');
  response.setHeader('Accept-Ranges', 'bytes');
  if (!found?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(Number(range?.[2] || found.size - 1), found.size - 1); // the last byte, included
  if (start > end) {
    response.writeHead(416, { 'Content-Range': `bytes */${found.size}` }).end();
    return;
  }
  response.setHeader('Content-Length', end - start + 1);
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${found.size}`);
  response.writeHead(range ? 206 : 200);
  if (request.method === 'HEAD') response.end();
  else createReadStream(file, { start, end, highWaterMark: 1 << 20 }).pipe(response);
}
