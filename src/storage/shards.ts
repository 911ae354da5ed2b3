// Files of any length in, kept as Blobs of at most 64 MiB under their sha256; the same file as one Blob (nothing is copied or read) out.
// Kept by content: a file that a newer model still has is not fetched again, and an old model stays whole until the new one is.
import type { Database, Key } from './database.ts';
import type { ManifestFile } from './manifest.ts';

export const SHARD_BYTES = 64 * 1024 * 1024;

const shardKey = (sha256: string, index: number): Key => ['shard', sha256, index];
const shardBytes = (file: ManifestFile, index: number, size: number): number =>
  Math.min(size, file.bytes - index * size);

/** The shards of the file that are here, from the first on, up to the first that is missing or has another length than it should. */
export async function leadingShards(db: Database, file: ManifestFile, size: number): Promise<Blob[]> {
  const count = Math.ceil(file.bytes / size);
  const found = await db.getMany<Blob>(Array.from({ length: count }, (_, index) => shardKey(file.sha256, index)));
  const end = found.findIndex(
    (shard, index) => !(shard instanceof Blob) || shard.size !== shardBytes(file, index, size),
  );
  return (end < 0 ? found : found.slice(0, end)) as Blob[];
}

/** The whole file, or null when a part of it is missing. */
export async function storedFile(db: Database, file: ManifestFile, size: number): Promise<Blob | null> {
  const shards = await leadingShards(db, file, size);
  return shards.length === Math.ceil(file.bytes / size) ? new Blob(shards) : null;
}

export const keepShard = (
  db: Database,
  file: ManifestFile,
  index: number,
  parts: Uint8Array<ArrayBuffer>[],
): Promise<void> => db.write({ put: [[shardKey(file.sha256, index), new Blob(parts)]] });

export async function dropShards(db: Database, sha256s: readonly string[]): Promise<void> {
  const keys = await Promise.all(sha256s.map((sha256) => db.keysUnder(['shard', sha256])));
  await db.write({ remove: keys.flat() });
}
