// A checkpoint of the user's, as the files of a diffusers folder whose bytes are made while they are read, in; a stored model out. Or nothing:
// what ends early, or crashes, leaves nothing behind.

import { createSHA256 } from 'hash-wasm';
import { newId } from '../new-id.ts';
import type { Database, Key } from './database.ts';
import { dropFiles, type FileRecord, KeptFile, recordKey, SHARD_BYTES, shardKey, shardsUnder } from './kept-file.ts';
import type { ManifestFile } from './manifest.ts';
import { lockingModel } from './model-lock.ts';
import { dropUnused, type ModelRecord, readRecord, type SourceHashes } from './model-records.ts';
import { checkSpace } from './space.ts';
import type { OnTransfer } from './transfer-meter.ts';
import { TransferMeter } from './transfer-meter.ts';

/** What files/checkpoint makes of a checkpoint. */
export interface FolderToKeep {
  readonly name: string;
  readonly files: readonly {
    readonly path: string;
    readonly bytes: number;
    chunks(signal?: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>>;
  }[];
  /** The single file it came in, whose hashes are kept. */
  readonly source?: Blob;
}
export interface TakeInOptions {
  db: Database;
  shardBytes?: number | undefined;
  signal?: AbortSignal | undefined;
  onTransfer?: OnTransfer | undefined;
}

/** One at a time in the browser: whose marks are found while nobody holds this lock crashed. */
export const TAKING_IN = 'import';
const markKey = (id: string): Key => ['taking-in', id];
const LICENCE = 'as its author says';

/**
 * Stores the files shard by shard, hashing on the way. The model's id comes from its content, so that the same checkpoint taken in twice is one.
 * Call it holding the lock TAKING_IN. Throws Trouble 'disk-full' before the first byte where the browser says how much it would take.
 */
export async function takeIn(
  folder: FolderToKeep,
  options: TakeInOptions,
): Promise<{ id: string; record: ModelRecord }> {
  const { db, signal } = options;
  const temporary = newId();
  const total = folder.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const toHash = folder.source?.size ?? 0;
  const meter = new TransferMeter('converting', 0, total + toHash, options.onTransfer);
  await checkSpace(total);
  await db.write({ put: [[markKey(temporary), folder.files.length]] });
  try {
    const files: (ManifestFile & { key: string })[] = [];
    for (const [index, file] of folder.files.entries()) {
      const key = `${temporary}/${index}`;
      const sha256 = await store(file, key, options, (bytes) => meter.add(bytes));
      files.push({ path: file.path, bytes: file.bytes, sha256, key });
    }
    const hashes = folder.source && (await hashesOf(folder.source, signal, (bytes) => meter.add(bytes)));
    signal?.throwIfAborted();
    return await settleIn(folder, files, temporary, options, hashes);
  } catch (error) {
    await clean(db, temporary, folder.files.length);
    throw error;
  } finally {
    meter.say();
  }
}

async function store(
  file: FolderToKeep['files'][number],
  key: string,
  { db, signal, shardBytes = SHARD_BYTES }: TakeInOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const hasher = await createSHA256();
  hasher.init();
  let [bytes, index, loose] = [0, 0, 0];
  let parts: Uint8Array<ArrayBuffer>[] = [];
  const keep = async () => {
    await db.write({ put: [[shardKey(key, index++), new Blob(parts)]] });
    [parts, loose] = [[], 0];
  };
  for await (const chunk of file.chunks(signal)) {
    signal?.throwIfAborted();
    hasher.update(chunk);
    bytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      // A copy: whoever makes the chunks may use their memory again.
      const part = chunk.slice(at, at + shardBytes - loose);
      parts.push(part);
      loose += part.length;
      at += part.length;
      if (loose === shardBytes) await keep();
    }
    onBytes(chunk.length);
  }
  if (loose > 0) await keep();
  if (bytes !== file.bytes) throw new Error(`${file.path}: ${file.bytes} bytes were announced, ${bytes} came`);
  return hasher.digest('hex');
}

const PIECE_BYTES = 4 * 2 ** 20;

async function hashesOf(
  source: Blob,
  signal: AbortSignal | undefined,
  onBytes: (bytes: number) => void,
): Promise<SourceHashes> {
  const read = async (begin: number, end: number) => new Uint8Array(await source.slice(begin, end).arrayBuffer());
  const [whole, legacy] = [await createSHA256(), await createSHA256()];
  whole.init();
  for (let at = 0; at < source.size; at += PIECE_BYTES) {
    signal?.throwIfAborted();
    const piece = await read(at, at + PIECE_BYTES);
    whole.update(piece);
    onBytes(piece.length);
  }
  legacy.init().update(await read(0x100000, 0x110000));
  return { sha256: whole.digest('hex'), legacy: legacy.digest('hex').slice(0, 8) };
}

/** In one transaction the files have their records and the model is there. Files that are here already keep the shards they have. */
async function settleIn(
  { name }: FolderToKeep,
  files: readonly (ManifestFile & { key: string })[],
  temporary: string,
  { db, shardBytes }: TakeInOptions,
  hashes: SourceHashes | undefined,
): Promise<{ id: string; record: ModelRecord }> {
  const lines = files.map(({ path, sha256 }) => `${path} ${sha256}\n`).join('');
  const hasher = await createSHA256();
  const id = `own-${hasher.init().update(lines).digest('hex').slice(0, 16)}`;
  const record: ModelRecord = {
    name,
    source: name,
    licence: LICENCE,
    licenceUrl: null,
    sound: true, // whoever makes the chunks looks at every weight
    ...(hashes && { hashes }),
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  };
  const put = new Map<string, [Key, FileRecord]>();
  const surplus: string[] = [];
  for (const { key, ...file } of files) {
    const here = await KeptFile.look(db, file, shardBytes);
    if (put.has(file.sha256) || (here.state === 'good' && here.got === file.sha256)) {
      surplus.push(key);
    } else {
      if (here.storedBytes > 0) await dropFiles(db, [file.sha256]); // a part of the same file, or another that was trusted in its place
      const whole = { key, hashed: file.bytes, state: null, got: file.sha256, trusted: null };
      put.set(file.sha256, [recordKey(file.sha256), whole]);
    }
  }
  const old = await readRecord(db, 'model', id);
  await db.write({
    put: [...put.values(), [['model', id], record]],
    remove: [markKey(temporary), ...(await shardsUnder(db, surplus))],
  });
  if (old) await dropUnused(db, old.files);
  return { id, record };
}

const clean = async (db: Database, temporary: string, count: number): Promise<void> => {
  const keys = Array.from({ length: count }, (_, index) => `${temporary}/${index}`);
  await db.write({ remove: [markKey(temporary), ...(await shardsUnder(db, keys))] });
};

/** What a crash in the middle left behind goes, unless another tab is taking a checkpoint in just now. */
export async function cleanLeftovers(db: Database, locks?: LockManager): Promise<void> {
  const marks = await db.keysUnder(['taking-in']);
  if (marks.length === 0) return;
  const counts = await db.getMany<number>(marks);
  const work = async () => {
    for (const [i, mark] of marks.entries()) await clean(db, String(mark[1]), counts[i] ?? 0);
  };
  await lockingModel(TAKING_IN, work, locks ? { locks } : {}).catch(() => {});
}
