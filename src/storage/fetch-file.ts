// One file of a manifest and where it lies in; the file, checked against its length and sha256 and kept as shards, out. Goes on after an
// interruption from the last whole shard.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { recognise } from '../files/recognise.ts';
import { damaged } from '../files/safetensors-header.ts';
import { Trouble } from '../trouble.ts';
import type { Database } from './database.ts';
import type { ManifestFile } from './manifest.ts';
import { dropShards, keepShard, leadingShards } from './shards.ts';

export interface Fetching {
  db: Database;
  fetch: typeof globalThis.fetch;
  baseUrl: URL;
  signal: AbortSignal | undefined;
  shardBytes: number;
  onBytes(bytes: number): void; // of this file, kept ones included
}

/** The response, or Trouble 'file-missing' with its status (0: no answer at all). */
export async function request(
  { fetch, baseUrl, signal }: Pick<Fetching, 'fetch' | 'baseUrl' | 'signal'>,
  path: string,
  from = 0,
): Promise<Response> {
  const url = new URL(path, baseUrl);
  const headers = from > 0 ? { Range: `bytes=${from}-` } : undefined;
  // no-store: the browser's cache would keep a second copy of every file, and may hand out an old one.
  const response = await fetch(url, { signal, headers, cache: 'no-store' }).catch((error: unknown) => {
    throw signal?.aborted
      ? error
      : new Trouble(
          'file-missing',
          { file: path, status: 0 },
          `${path}: no answer from ${url.host} (${error}). Go online and try again.`,
        );
  });
  if (!response.ok || !response.body)
    throw new Trouble(
      'file-missing',
      { file: path, status: response.status },
      `${path}: expected the file, got status ${response.status} from ${url}.`,
    );
  return response;
}

/** Fetches what is missing of `file`. When the whole is not what the manifest says, all of it is dropped: Trouble 'file-damaged'. */
export async function fetchFile(fetching: Fetching, file: ManifestFile): Promise<void> {
  const { db, shardBytes, onBytes } = fetching;
  let kept = await leadingShards(db, file, shardBytes);
  const response = await request(fetching, file.path, kept.length * shardBytes);
  if (response.status !== 206) kept = []; // a server without ranges sends all of it again
  const hash = sha256.create();
  for (const shard of kept) hash.update(new Uint8Array(await shard.arrayBuffer()));
  let index = kept.length;
  let bytes = index * shardBytes;
  let head: Uint8Array | null = null;
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let partBytes = 0;
  const flush = async () => {
    await keepShard(db, file, index++, parts);
    parts = [];
    partBytes = 0;
  };

  const reader = response.body!.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw fetching.signal?.aborted
        ? error
        : new Trouble(
            'file-missing',
            { file: file.path, status: 0 },
            `${file.path}: the connection broke at byte ${bytes} of ${file.bytes}. Try again: it goes on from there.`,
          );
    });
    if (done) break;
    head ??= value.slice(0, 64);
    bytes += value.length;
    if (bytes > file.bytes) break; // not this file: no need to hear the rest
    hash.update(value);
    for (let at = 0; at < value.length; ) {
      const part = value.subarray(at, at + shardBytes - partBytes);
      parts.push(part);
      partBytes += part.length;
      at += part.length;
      if (partBytes === shardBytes) await flush();
    }
    onBytes(bytes);
  }
  const digest = bytesToHex(hash.digest());
  if (bytes === file.bytes && digest === file.sha256) {
    if (partBytes > 0) await flush();
    return;
  }
  await reader.cancel().catch(() => {});
  await dropShards(db, [file.sha256]);
  const size = bytes === file.bytes ? `other bytes (sha256 ${digest})` : `${bytes > file.bytes ? 'more' : bytes} bytes`;
  throw damaged(
    file.path,
    `${file.bytes} bytes with sha256 ${file.sha256}`,
    (index === 0 && head && recogniseOther(file, head)) || size,
  );
}

// Only where it says more than the size does: a JSON file that begins like text is no news.
function recogniseOther(file: ManifestFile, head: Uint8Array): string | null {
  const found = recognise(head);
  return found && (file.path.endsWith('.safetensors') || found === 'an HTML page') ? found : null;
}
