// Files in; a real HTTP server on this machine that sends them as servers do on bad days: cut, slow, refusing, lying. Counts what it sends.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256 } from './small-model.ts';

export interface Asked {
  path: string;
  range: [number, number] | null; // first byte and the one behind the last
  sent: number; // bytes of the body
}
/** How one answer differs. Each is used once, for the first request that `when` is true of. */
export interface Oddity {
  when?(asked: Asked): boolean;
  times?: number;
  status?: number; // instead of the file
  headers?: Record<string, string>;
  cutAfter?: number; // body bytes, then the connection is destroyed
  endAfter?: number; // body bytes, then the answer ends as if that were all (chunked: nothing says how long it should be)
  extra?: number; // more body bytes than the range
  contentRange?: string;
  body?: Uint8Array; // another body, whole
  stallAfter?: number; // body bytes, then silence
}

export class OddServer {
  readonly asked: Asked[] = [];
  readonly oddities: Oddity[] = [];
  ranges = true;
  chunkBytes = 4096;
  pauseMs = 0; // between chunks
  #server: Server;

  constructor(public files: Map<string, Uint8Array>) {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }
  async listen(): Promise<URL> {
    await new Promise<void>((ready) => this.#server.listen(0, '127.0.0.1', ready));
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`);
  }
  /** Breaks every connection there is. */
  breakAll(): void {
    this.#server.closeAllConnections();
  }
  close(): Promise<void> {
    this.breakAll();
    return new Promise((closed) => this.#server.close(() => closed()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://here/').pathname.slice(1));
    const file = path === 'manifest.json' && !this.files.has(path) ? undefined : this.files.get(path);
    const wanted = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const length = file?.length ?? 0;
    const range: Asked['range'] = wanted
      ? [Number(wanted[1]), Math.min(length, wanted[2] ? Number(wanted[2]) + 1 : length)]
      : null;
    const asked: Asked = { path, range, sent: 0 };
    this.asked.push(asked);
    const odd = this.#oddity(asked);
    if (odd.status !== undefined || !file) {
      response.writeHead(odd.status ?? 404, odd.headers).end();
      return;
    }
    const ranged = range !== null && this.ranges && !odd.body;
    if (ranged && range[0] >= length) {
      response.writeHead(416, { 'Content-Range': `bytes */${length}` }).end();
      return;
    }
    const [from, to] = ranged ? range : [0, length];
    const body = odd.body ?? Buffer.concat([file.subarray(from, to), new Uint8Array(odd.extra ?? 0)]);
    const open = odd.endAfter !== undefined || odd.extra !== undefined;
    response.writeHead(ranged ? 206 : 200, {
      ...(open ? {} : { 'Content-Length': body.length }),
      ...(ranged ? { 'Content-Range': odd.contentRange ?? `bytes ${from}-${to - 1}/${length}` } : {}),
      ...odd.headers,
    });
    const end = Math.min(odd.cutAfter ?? body.length, odd.endAfter ?? body.length, odd.stallAfter ?? body.length);
    for (let at = 0; at < end; ) {
      const part = body.subarray(at, Math.min(at + this.chunkBytes, end));
      at += part.length;
      asked.sent += part.length;
      if (response.destroyed) return;
      await new Promise<void>((sent) => response.write(part, () => sent()));
      if (this.pauseMs > 0) await new Promise((wake) => setTimeout(wake, this.pauseMs));
    }
    if (odd.cutAfter !== undefined) response.destroy();
    else if (odd.stallAfter === undefined) response.end();
  }

  #oddity(asked: Asked): Oddity {
    const odd = this.oddities.find((one) => (one.times ?? 1) > 0 && (one.when?.(asked) ?? true)) ?? {};
    odd.times = (odd.times ?? 1) - 1;
    return odd;
  }
}

/** The manifest that goes with files, as tools/demo-model writes it. */
export const manifestOf = (files: ReadonlyMap<string, Uint8Array>) => ({
  files: [...files].map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
});
