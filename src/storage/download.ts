// A model's files and their source in; all of them in the database, every shard stored as soon as it is whole, hashed in file order, out.
// Called again after whatever ended it, it goes on from what is stored.
import { Trouble } from '../trouble.ts';
import type { Database } from './database.ts';
import { KeptFile, SHARD_BYTES } from './kept-file.ts';
import { type ManifestFile, totalBytes } from './manifest.ts';
import { Patience, WAITING, type Waiting } from './patience.ts';
import { fetchShards, type Lane, StartAgain } from './shard-lane.ts';
import { checkSpace, diskFull } from './space.ts';
import type { OnTransfer } from './transfer-meter.ts';
import { TransferMeter } from './transfer-meter.ts';

export interface DownloadOptions {
  db: Database;
  fetch: typeof globalThis.fetch;
  baseUrl: URL;
  signal?: AbortSignal | undefined; // aborted: what has come is kept, the beginnings of shards too
  onTransfer?: OnTransfer | undefined;
  shardBytes?: number | undefined;
  lanes?: number | undefined;
  waiting?: Waiting | undefined;
}

/** Ranges on their way at once. Each holds up to a shard in memory, and what the browser copies of it: three took 470 to 570 MB, no faster. */
export const LANES = 2;

/**
 * Fetches what is missing and hashes what was not hashed; the files as they then lie in the database: 'good' or 'doubted', all whole.
 * Throws Trouble 'disk-full' (before the first byte where the browser says how much it would take), 'download-cut' when patience is over,
 * 'file-missing' for what the server does not have, 'file-damaged' for what is another file by size or first bytes.
 */
export async function download(files: readonly ManifestFile[], options: DownloadOptions): Promise<KeptFile[]> {
  const { db, shardBytes = SHARD_BYTES } = options;
  // Two paths with the same bytes are one file.
  const unlike = files.filter(({ sha256 }, i) => files.findIndex((other) => other.sha256 === sha256) === i);
  const kept: KeptFile[] = [];
  // Small ones first: what a wrong address or a damaged mirror shows at once does not wait for gigabytes.
  for (const file of unlike.sort((a, b) => a.bytes - b.bytes)) kept.push(await KeptFile.look(db, file, shardBytes));
  for (const file of kept) await keepText(file);

  const total = totalBytes(files);
  const twice = total - totalBytes(unlike);
  const stored = () => kept.reduce((sum, { storedBytes }) => sum + storedBytes, twice);
  const meter = new TransferMeter('fetching', stored(), total, options.onTransfer);
  if (stored() < total) await checkSpace(total - stored());
  // A shard that turns out to be unreadable while it is hashed is fetched again; one that never can be read must not loop.
  for (let round = 0; round < 3; round++) {
    if (kept.some(({ missing }) => missing.length > 0))
      await fetchMissing(kept, options, meter, () => total - stored());
    const unchecked = kept.filter(({ state }) => state === 'unchecked');
    if (unchecked.length > 0) meter.begin('checking', total - totalBytes(unchecked.map(({ file }) => file)));
    for (const file of unchecked) await file.check(options.signal, (bytes) => meter.add(bytes));
    if (kept.every(({ missing }) => missing.length === 0)) break;
    meter.begin('fetching', stored());
  }
  meter.begin('fetching', total);
  return kept;
}

/** Files whose content is known need no server. */
async function keepText(kept: KeptFile): Promise<void> {
  if (kept.file.text !== undefined && kept.missing.length > 0) await kept.keep(0, new Blob([kept.file.text]));
}

async function fetchMissing(
  files: readonly KeptFile[],
  options: DownloadOptions,
  meter: TransferMeter,
  bytesLeft: () => number,
): Promise<void> {
  const { signal, baseUrl, fetch } = options;
  const failed = new AbortController(); // one lane's failure ends the others: they keep what they have
  const both = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  const storedBytes = () => meter.total - bytesLeft();
  const lane: Lane = {
    source: { fetch, baseUrl, signal: both },
    signal: both,
    patience: new Patience(options.waiting ?? WAITING, (ms) => meter.waiting(ms)),
    meter,
    giveUp: (file, status) =>
      new Trouble('download-cut', { file, status, storedBytes: storedBytes(), totalBytes: meter.total }),
  };
  let why: unknown = null;
  const fail = (error: unknown): void => {
    why ??= error;
    failed.abort(new DOMException('another connection failed', 'AbortError'));
  };
  const queue = files.flatMap((file) => file.missing.map((index) => ({ file, index })));
  const whole = new Map<KeptFile, Promise<void>>(); // files of a server that knows no ranges
  const hashing: Promise<void>[] = [];
  const ranged = new Map<KeptFile, Set<number>>(files.map((file) => [file, new Set()])); // shards on their way by themselves
  const fetchOne = async (file: KeptFile, index: number): Promise<void> => {
    // Hashing goes on beside: in order, so a shard that came early waits for those before it.
    const hash = () => {
      hashing.push(file.check(both).catch(fail));
      meter.say();
    };
    const alone = ranged.get(file) as Set<number>;
    if (!whole.has(file)) {
      alone.add(index);
      try {
        return await fetchShards(lane, file, [index], false, hash);
      } catch (error) {
        if (!(error instanceof StartAgain)) throw error;
      } finally {
        alone.delete(index);
      }
    }
    while (!file.has(index)) {
      const missing = file.missing.filter((one) => !alone.has(one));
      if (!whole.has(file)) whole.set(file, fetchShards(lane, file, missing, true, hash));
      const asked = whole.get(file);
      await asked;
      // It may have been on its way by itself when the rest was asked for.
      if (!file.has(index) && whole.get(file) === asked) whole.delete(file);
    }
  };
  const run = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await fetchOne(next.file, next.index);
  };
  await Promise.all(Array.from({ length: options.lanes ?? LANES }, () => run().catch(fail)));
  await Promise.all(hashing);
  meter.waiting(null);
  if (signal?.aborted) throw signal.reason;
  if (why instanceof Trouble && why.code === 'disk-full') throw await diskFull(bytesLeft());
  if (why !== null) throw why;
}
