// A model folder of a few kB on a server of our own, and IndexedDB without a browser, for the tests of this folder.
import 'fake-indexeddb/auto';
import { createHash } from 'node:crypto';
import { neededFiles } from '../../src/files/model-folder.ts';
import { writeSafetensors } from '../../src/files/safetensors.ts';
import { type Database, database } from '../../src/storage/database.ts';
import type { ModelSource } from '../../src/storage/sources.ts';

let databases = 0;
/** An empty database. */
export const emptyDatabase = (): Database => database(`test-${databases++}`);

export const source: ModelSource = {
  id: 'small',
  name: 'Small',
  source: 'here',
  licence: 'none',
  licenceUrl: null,
  asksLicence: false,
  manifest: null,
  mirror: false,
  baseUrl: new URL('https://example.org/models/small/'),
};

/** Files by path. `seed` makes another model: every tensor and config differs, the tokenizer stays. */
export function smallModel(seed: number): Map<string, Uint8Array<ArrayBuffer>> {
  const text = (s: string) => new TextEncoder().encode(s);
  return new Map(
    neededFiles.map((path) => {
      if (path.startsWith('tokenizer/'))
        return [path, text(path.endsWith('.txt') ? '#version: 0.2\na b\n' : '{"a": 1}')];
      if (path.endsWith('.json')) return [path, text(JSON.stringify({ path, seed }))];
      const data = Float32Array.from({ length: 500 }, (_, i) => i + seed + path.length);
      return [path, writeSafetensors([{ name: 'weight', dtype: 'F32', shape: [500], data }])];
    }),
  );
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A static server that knows ranges. What it sends can be changed under it; `log` has every request. */
export class Server {
  online = true;
  ranges = true;
  log: string[] = [];
  /** Answers that are not what the manifest says, by path. */
  instead = new Map<string, () => Response>();
  files: Map<string, Uint8Array<ArrayBuffer>>;
  constructor(files: Map<string, Uint8Array<ArrayBuffer>>) {
    this.files = files;
  }
  get manifest(): unknown {
    return { files: [...this.files].map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })) };
  }
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const path = String(input).slice(source.baseUrl.href.length);
    const range = new Headers(init?.headers).get('Range');
    this.log.push(range ? `${path} ${range}` : path);
    init?.signal?.throwIfAborted();
    if (!this.online) throw new TypeError('Failed to fetch');
    const other = this.instead.get(path);
    if (other) return other();
    if (path === 'manifest.json') return Response.json(this.manifest);
    const bytes = this.files.get(path);
    if (!bytes) return new Response('Not found', { status: 404 });
    const from = range && this.ranges ? Number(/\d+/.exec(range)) : 0;
    return new Response(chunks(bytes.slice(from), 700), { status: from > 0 ? 206 : 200 });
  };
}

/** A body that comes in pieces and, after `breaksAt` bytes, not at all. */
export function chunks(bytes: Uint8Array, size: number, breaksAt = Number.POSITIVE_INFINITY): ReadableStream {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= breaksAt) controller.error(new TypeError('network error'));
      else if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, Math.min(at + size, breaksAt)));
      at += size;
    },
  });
}
