// One file of a manifest in; what of it lies in the database — Blob shards, its record, the sha256 of what is here — out.
// Kept by content: a file that another model has too is not fetched again, and an old model stays whole until the new one is.
import { createSHA256, type IHasher } from 'hash-wasm';
import { type ByteSource, joined } from '../files/byte-source.ts';
import { Trouble } from '../trouble.ts';
import type { Database, Key } from './database.ts';
import type { ManifestFile } from './manifest.ts';
import { isGone, readAnew } from './read-anew.ts';

/** Small enough that a few on their way at once take little memory, large enough that 2 GB are few records. */
export const SHARD_BYTES = 32 * 1024 * 1024;
const SLICE_BYTES = 4 * 1024 * 1024; // read at once for hashing

/** What is known of a file's bytes. `hashed` of them, from the first on, are in `state` (sha256, hash-wasm's saved form). */
export interface FileRecord {
  key: string; // of its shards: the sha256 it should have; of a file taken in, whose sha256 came last, another
  hashed: number; // bytes
  state: Uint8Array | null;
  got: string | null; // sha256 of the whole, once all of it was read
  trusted: string | null; // another sha256 than expected that the user has accepted
}
/** unchecked: all is here, its sha256 not worked out. doubted: it is another than expected. */
export type FileState = 'part' | 'unchecked' | 'good' | 'doubted';

const fresh = (key: string): FileRecord => ({ key, hashed: 0, state: null, got: null, trusted: null });
export const recordKey = (sha256: string): Key => ['file', sha256];
export const shardKey = (key: string, index: number): Key => ['shard', key, index];
const partKey = (key: string, index: number): Key => ['part', key, index];

export class KeptFile {
  readonly #shards: (Blob | null)[];
  readonly #parts = new Map<number, Blob>();
  #record: FileRecord;
  #hasher: { at: number; hasher: IHasher } | null = null;
  #checking: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly db: Database,
    readonly file: ManifestFile,
    readonly shardBytes: number,
    record: FileRecord,
  ) {
    this.#record = record;
    this.#shards = new Array(this.count).fill(null);
  }

  /** Looks at what is here, reading nothing of it: a shard of another length than it should have counts as missing. */
  static async look(db: Database, file: ManifestFile, shardBytes = SHARD_BYTES): Promise<KeptFile> {
    const record = await db.get<FileRecord>(recordKey(file.sha256));
    const kept = new KeptFile(db, file, shardBytes, record ?? fresh(file.sha256));
    const { key } = kept.#record;
    const here = (await db.keysUnder(['shard', key])).map((shard) => Number(shard[2]));
    const found = await db.getMany<unknown>(here.map((index) => shardKey(key, index)));
    for (const [i, index] of here.entries()) {
      const shard = found[i];
      const bytes = kept.end(index) - kept.begin(index);
      if (index < kept.count && shard instanceof Blob && shard.size === bytes) kept.#shards[index] = shard;
    }
    const parts = (await db.keysUnder(['part', key])).map((part) => Number(part[2]));
    const blobs = await db.getMany<Blob>(parts.map((index) => partKey(key, index)));
    for (const [i, index] of parts.entries()) {
      const blob = blobs[i];
      if (blob && kept.#shards[index] === null && blob.size < kept.end(index) - kept.begin(index))
        kept.#parts.set(index, blob);
    }
    return kept;
  }

  get count(): number {
    return Math.ceil(this.file.bytes / this.shardBytes);
  }
  begin(index: number): number {
    return index * this.shardBytes;
  }
  end(index: number): number {
    return Math.min(this.file.bytes, this.begin(index) + this.shardBytes);
  }
  has(index: number): boolean {
    return this.#shards[index] !== null;
  }
  /** The beginning of a shard that is not whole, from a download that was paused. */
  part(index: number): Blob | null {
    return this.#parts.get(index) ?? null;
  }
  get missing(): number[] {
    return this.#shards.flatMap((shard, index) => (shard ? [] : [index]));
  }
  get storedBytes(): number {
    const shards = this.#shards.reduce((sum, shard) => sum + (shard?.size ?? 0), 0);
    return [...this.#parts.values()].reduce((sum, { size }) => sum + size, shards);
  }
  get state(): FileState {
    if (this.missing.length > 0) return 'part';
    const { got, trusted } = this.#record;
    if (got === null) return 'unchecked';
    return got === this.file.sha256 || got === trusted ? 'good' : 'doubted';
  }
  /** The sha256 of what is here, where all of it was read. */
  get got(): string | null {
    return this.#record.got;
  }
  /** The whole file, to be read in parts. */
  source(): ByteSource {
    return {
      size: this.file.bytes,
      read: async (begin, end) => {
        const last = Math.max(begin, Math.min(end, this.file.bytes) - 1);
        const parts: Uint8Array<ArrayBuffer>[] = [];
        for (let at = Math.floor(begin / this.shardBytes); at <= Math.floor(last / this.shardBytes); at++)
          parts.push(await this.#read(at, Math.max(0, begin - this.begin(at)), end - this.begin(at)));
        return joined(parts);
      },
    };
  }

  /** Writes a shard, and takes back whatever was hashed past its beginning. */
  async keep(index: number, blob: Blob): Promise<void> {
    const { key, hashed, trusted } = this.#record;
    const put: [Key, unknown][] = [[shardKey(key, index), blob]];
    if (this.begin(index) < hashed) {
      this.#record = { ...fresh(key), trusted };
      this.#hasher = null;
      put.push([recordKey(this.file.sha256), this.#record]);
    }
    await this.db.write({ put, remove: [partKey(key, index)] });
    this.#parts.delete(index);
    // The database's own Blob, which lies on disk: the one that was written is still in memory.
    this.#shards[index] = (await this.db.get<Blob>(shardKey(key, index))) ?? null;
  }

  async keepPart(index: number, blob: Blob): Promise<void> {
    await this.db.write({ put: [[partKey(this.#record.key, index), blob]] });
    this.#parts.set(index, blob);
  }

  /**
   * Hashes on from where it stopped, as far as shards are here without a gap, and stores the state after each. Calls wait for each other.
   * A shard that cannot be read any more is dropped and counts as missing; one that only cannot be read now is Trouble 'file-unreadable'.
   */
  check(signal: AbortSignal | undefined, onHashed: (bytes: number) => void = () => {}): Promise<void> {
    const checked = this.#checking.then(() => this.#check(signal, onHashed));
    this.#checking = checked.catch(() => {});
    return checked;
  }

  async #check(signal: AbortSignal | undefined, onHashed: (bytes: number) => void): Promise<void> {
    while (this.#record.got === null) {
      const { hashed } = this.#record;
      const index = Math.floor(hashed / this.shardBytes);
      // A state saved with shards of another size, or with one missing before it, is of no use.
      if (hashed !== this.begin(index) || this.#shards.slice(0, index).includes(null)) {
        this.#record = { ...this.#record, hashed: 0, state: null };
        continue;
      }
      if (!this.has(index)) return;
      try {
        const { hasher } = await this.#hasherAt(hashed);
        for (let at = 0; at < this.end(index) - hashed; at += SLICE_BYTES) {
          signal?.throwIfAborted();
          const bytes = await this.#read(index, at, at + SLICE_BYTES);
          hasher.update(bytes);
          onHashed(bytes.byteLength);
        }
        this.#hasher = { at: this.end(index), hasher };
      } catch (error) {
        if (this.#shards.slice(0, index + 1).includes(null)) return;
        if (signal?.aborted) throw error;
        throw new Trouble('file-unreadable', { file: this.file.path }, `${this.file.path}: ${error}`);
      }
      const { hasher } = this.#hasher;
      const end = this.end(index);
      this.#record = { ...this.#record, hashed: end, state: hasher.save() };
      if (end === this.file.bytes) this.#record = { ...this.#record, state: null, got: hasher.digest('hex') };
      await this.#writeRecord();
    }
  }

  async #hasherAt(at: number): Promise<{ hasher: IHasher }> {
    if (this.#hasher?.at === at) return this.#hasher;
    const hasher = await createSHA256();
    hasher.init();
    const { state } = this.#record;
    try {
      if (at > 0 && state) hasher.load(state);
      else if (at > 0) throw new Error('no state');
    } catch {
      // Saved by another version of hash-wasm: what is stored is read again instead.
      hasher.init();
      for (let index = 0; this.begin(index) < at; index++) hasher.update(await this.#read(index, 0, this.shardBytes));
    }
    this.#hasher = null; // its place moves while it is fed: only whole shards are remembered
    return { hasher };
  }

  /** Shards whose first byte can no longer be read are dropped. True when any is missing. */
  async dropUnreadable(): Promise<boolean> {
    for (const index of this.#shards.keys()) if (this.has(index)) await this.#read(index, 0, 1).catch(() => {});
    return this.missing.length > 0;
  }

  /** A part of a shard. One that is gone from the database too is dropped, and counts as missing. Rejects with the browser's own error. */
  async #read(index: number, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const key = shardKey(this.#record.key, index);
    const again = async (): Promise<Blob | null> => {
      const stored = await this.db.get<unknown>(key);
      const whole = stored instanceof Blob && stored.size === this.end(index) - this.begin(index);
      this.#shards[index] = whole ? stored : null;
      return this.#shards[index];
    };
    try {
      return await readAnew(this.#shards[index] ?? null, again, async (shard) => {
        return new Uint8Array(await shard.slice(from, to).arrayBuffer());
      });
    } catch (error) {
      if (isGone(error)) {
        this.#shards[index] = null;
        await this.db.write({ remove: [key] });
      }
      throw error;
    }
  }

  /** Takes the bytes as they are, whatever their sha256. */
  async trust(): Promise<void> {
    this.#record = { ...this.#record, trusted: this.#record.got };
    await this.#writeRecord();
  }

  async drop(): Promise<void> {
    await dropFiles(this.db, [this.file.sha256]);
    this.#record = fresh(this.file.sha256);
    this.#shards.fill(null);
    this.#parts.clear();
    this.#hasher = null;
  }

  #writeRecord(): Promise<void> {
    return this.db.write({ put: [[recordKey(this.file.sha256), this.#record]] });
  }
}

/** Removes files by their expected sha256: shards, parts, record. */
export async function dropFiles(db: Database, sha256s: readonly string[]): Promise<void> {
  const records = await db.getMany<FileRecord>(sha256s.map(recordKey));
  const keys = sha256s.map((sha256, i) => records[i]?.key ?? sha256);
  await db.write({ remove: [...sha256s.map(recordKey), ...(await shardsUnder(db, keys))] });
}

/** The database keys of everything that was stored under these file keys. */
export async function shardsUnder(db: Database, keys: readonly string[]): Promise<Key[]> {
  const found = await Promise.all(keys.flatMap((key) => [db.keysUnder(['shard', key]), db.keysUnder(['part', key])]));
  return found.flat();
}
