// A file at its source and a range of it in; its bytes with their place in the file, as they come, out. A server may break off, refuse, or send
// something else than was asked for: each is a Cut (try again) or a Trouble (no use).
import { recognise } from '../files/recognise.ts';
import { damaged } from '../files/safetensors-header.ts';
import { Trouble } from '../trouble.ts';
import type { ManifestFile } from './manifest.ts';
import { Cut, retryAfterMs } from './patience.ts';

export interface Source {
  fetch: typeof globalThis.fetch;
  baseUrl: URL;
  signal: AbortSignal | undefined;
}
export interface Piece {
  at: number; // byte of the file
  bytes: Uint8Array<ArrayBuffer>;
}
export interface Answer {
  /** The server knows no ranges and sends the file from its first byte on. */
  whole: boolean;
  pieces(): AsyncGenerator<Piece, void, void>;
  /** Lets go of an answer whose pieces nobody wants. */
  end(): void;
}

const STALL_MS = 60_000; // a connection that brings nothing for so long is dead, though nobody said so
const LATER = new Set([408, 416, 425, 429]);

// no-store: the browser's cache would keep a second copy of every file, and may hand out an old one. The address is the source's own every
// time: what it redirects to may hold a signature that ends within the hour.
const send = ({ fetch, baseUrl, signal }: Source, path: string, headers?: HeadersInit): Promise<Response> =>
  fetch(new URL(path, baseUrl), { signal, headers, cache: 'no-store' });

const refusal = ({ baseUrl }: Source, path: string, status: number): Trouble<'file-missing'> =>
  new Trouble(
    'file-missing',
    { file: path, status },
    `${path}: expected the file, got status ${status} from ${new URL(path, baseUrl)}.`,
  );

/** A small file at once, without patience: the response, or Trouble 'file-missing' with its status (0: no answer at all). */
export async function request(source: Source, path: string): Promise<Response> {
  const response = await send(source, path).catch((error: unknown) => {
    if (source.signal?.aborted) throw error;
    const message = `${path}: no answer from ${source.baseUrl.host} (${error}). Go online and try again.`;
    throw new Trouble('file-missing', { file: path, status: 0 }, message);
  });
  if (!response.ok) throw refusal(source, path, response.status);
  return response;
}

/**
 * Asks for bytes [from, to) of `file`; no Range is sent for all of it. What comes is checked against the manifest's size as early as the
 * answer allows: Trouble 'file-damaged'. Statuses that time may mend are a Cut, others Trouble 'file-missing'.
 */
export async function askFor(source: Source, file: ManifestFile, from: number, to: number): Promise<Answer> {
  const all = from === 0 && to === file.bytes;
  const stop = new AbortController();
  const signal = source.signal ? AbortSignal.any([source.signal, stop.signal]) : stop.signal;
  const path = file.from ?? file.path;
  const headers = all ? undefined : { Range: `bytes=${from}-${to - 1}` };
  const response = await stalling(send({ ...source, signal }, path, headers), stop).catch((error: unknown) => {
    if (source.signal?.aborted) throw source.signal.reason;
    throw new Cut(`${path}: no answer from ${source.baseUrl.host} (${error})`);
  });
  if (!response.ok || !response.body) {
    stop.abort();
    throw refused(source, file, path, response);
  }
  const whole = response.status !== 206;
  let at = whole ? 0 : from;
  const range = whole ? null : /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('Content-Range') ?? '');
  if (range?.[2] && range[2] !== '*' && Number(range[2]) !== file.bytes) {
    stop.abort();
    throw otherSize(file, `a file of ${range[2]} bytes`);
  }
  if (range && Number(range[1]) !== from) {
    stop.abort();
    throw new Cut(`${file.path}: asked for byte ${from}, the server sent from byte ${range[1]}`, response.status);
  }
  const until = whole ? file.bytes : to;
  const reader = response.body.getReader();

  async function* pieces(): AsyncGenerator<Piece, void, void> {
    try {
      while (at < until) {
        let value = await next();
        if (!value)
          throw new Cut(`${file.path}: the answer ended at byte ${at} of ${until}`, 0, null, whole ? at : null);
        // All of the file has come: does it really end here? Known before its last shard is kept.
        if (whole && at + value.length >= until && (at + value.length > until || (await next()))) {
          const head = at === 0 ? recogniseOther(file, value) : null;
          throw otherSize(file, head ?? 'more bytes');
        }
        if (value.length > until - at) value = value.subarray(0, until - at);
        yield { at, bytes: value };
        at += value.length;
      }
    } finally {
      stop.abort(); // what still comes is not wanted
    }
  }
  async function next(): Promise<Uint8Array<ArrayBuffer> | null> {
    for (;;) {
      const { done, value } = await stalling(reader.read(), stop).catch((error: unknown) => {
        if (source.signal?.aborted) throw source.signal.reason;
        throw new Cut(`${file.path}: the connection broke at byte ${at} of ${file.bytes} (${error})`);
      });
      if (done) return null;
      if (value.length > 0) return value as Uint8Array<ArrayBuffer>;
    }
  }
  return { whole, pieces, end: () => stop.abort() };
}

/** What came instead of the file, by its first bytes, where that says more than a size: a JSON file that begins like text is no news. */
export function recogniseOther(file: ManifestFile, head: Uint8Array): string | null {
  const found = recognise(head.subarray(0, 64));
  const foreign = found === 'an HTML page' || found?.includes('git-lfs') === true;
  return found && (file.path.endsWith('.safetensors') || foreign) ? found : null;
}

export const otherSize = (file: ManifestFile, got: string): Trouble<'file-damaged'> =>
  damaged(file.path, `${file.bytes} bytes with sha256 ${file.sha256}`, got);

function refused(source: Source, file: ManifestFile, path: string, { status, headers }: Response): Error {
  const size = status === 416 ? /^bytes \*\/(\d+)$/.exec(headers.get('Content-Range') ?? '')?.[1] : undefined;
  if (size !== undefined && Number(size) !== file.bytes) return otherSize(file, `a file of ${size} bytes`);
  if (status < 500 && !LATER.has(status)) return refusal(source, file.path, status);
  return new Cut(`${path}: the server answered ${status}`, status, retryAfterMs(headers));
}

async function stalling<T>(work: Promise<T>, stop: AbortController, ms = STALL_MS): Promise<T> {
  const timer = setTimeout(() => stop.abort(new Error(`nothing came for ${ms / 1000} s`)), ms);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
