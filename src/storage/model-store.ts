// Where a diffusers folder lies in; its files, fetched once, checked, kept in IndexedDB and opened from there (also offline), out.
import type { ByteSource } from '../files/byte-source.ts';
import { type ModelFolder, openModelFolder, parseJson } from '../files/model-folder.ts';
import type { OnProgress } from '../progress.ts';
import { Trouble } from '../trouble.ts';
import { type Database, database } from './database.ts';
import { download } from './download.ts';
import type { KeptFile } from './kept-file.ts';
import { checkManifest, type Manifest, sameFiles } from './manifest.ts';
import type { ModelInfo } from './model-records.ts';
import {
  lookAtFiles,
  type ModelFacts,
  type ModelRecord,
  modelIds,
  readRecord,
  removeModel,
  settle,
  versionOf,
  writeRecord,
} from './model-records.ts';
import type { Waiting } from './patience.ts';
import { otherSize, request } from './ranged-request.ts';
import type { ModelSource } from './sources.ts';
import type { OnTransfer } from './transfer-meter.ts';

export interface ModelFiles extends ModelFolder {
  readonly info: Omit<ModelInfo, 'resolution' | 'sizes'>;
  /** Why nobody could say whether there is a newer version (offline), or why it could not be taken; the one that was here is in use. */
  readonly updateFailed: Trouble | null;
}
/** How storage works where it is not the browser's own way: all of it has a default. */
export interface StoreOptions {
  fetch?: typeof globalThis.fetch;
  db?: Database;
  shardBytes?: number; // smaller in tests
  lanes?: number;
  waiting?: Waiting; // before a download is given up
}
export interface OpenOptions extends StoreOptions {
  onProgress?: OnProgress; // bytes
  signal?: AbortSignal;
  patienceMs?: number; // how long a model that is here waits to hear of a newer one
}

const PATIENCE_MS = 5000;
/** Changing the form of its values takes a new name. */
export const modelDatabase = (): Database => database('darkroom-models');
export const ownFetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init);

/**
 * Opens a model whose source says itself which files it has, fetching what is missing. Online, its manifest is looked at first: a replaced
 * model is fetched (only the files that changed) and takes the old one's place when it is whole. Offline, and whenever that fails, the stored
 * one is used.
 */
export async function openModel(source: ModelSource, options: OpenOptions = {}): Promise<ModelFiles> {
  const { id } = source;
  const db = options.db ?? modelDatabase();
  const stored = await readRecord(db, 'model', id);
  const inUse = async (manifest: Manifest, updateFailed: Trouble | null): Promise<ModelFiles> => {
    const folder = await completed(manifest, source, options, db);
    return { ...folder, info: infoOf(source, id, folder.bytes, manifest), updateFailed };
  };
  try {
    const latest = await fetchManifest(source, options, stored ? (options.patienceMs ?? PATIENCE_MS) : undefined);
    if (stored && sameFiles(stored, latest)) return await inUse(stored, null);
    await writeRecord(db, 'wanted', id, recordOf(source, latest));
    const files = await inUse(latest, null);
    await settle(db, id, recordOf(source, latest));
    return files;
  } catch (error) {
    if (!stored || !(error instanceof Trouble)) throw error;
    return inUse(stored, error);
  }
}

const infoOf = (facts: ModelFacts, id: string, bytes: number, manifest: Manifest | ModelRecord): ModelFiles['info'] => {
  const { name, source, licence } = facts;
  const hashes = 'hashes' in manifest ? manifest.hashes : undefined;
  return { id, name, source, licence, bytes, version: versionOf(manifest), ...(hashes && { hashes }) };
};
export const recordOf = ({ name, source, licence, licenceUrl }: ModelFacts, { files }: Manifest): ModelRecord => ({
  name,
  source,
  licence,
  licenceUrl,
  files,
});

/** Ids of the models that can be opened offline (their parts may still turn out to be missing). */
export const storedModels = (db: Database = modelDatabase()): Promise<string[]> => modelIds(db);

/** Removes a model; files it shares with another one stay. */
export const deleteModel = (id: string, db: Database = modelDatabase()): Promise<void> => removeModel(db, id);

/** Opens what is stored of a model, asking no server. Trouble 'model-incomplete' where a part is missing or cannot be read any more. */
export async function openStored(
  id: string,
  facts: ModelFacts,
  { db = modelDatabase(), shardBytes }: StoreOptions = {},
): Promise<ModelFiles> {
  const record = await readRecord(db, 'model', id);
  const { files } = record ?? { files: [] };
  const { bytes, storedBytes, kept } = await lookAtFiles(db, files, shardBytes);
  const incomplete = (missingBytes: number) =>
    new Trouble('model-incomplete', { modelId: id, missingBytes }, `the model “${id}” lacks ${missingBytes} bytes.`);
  if (!record || storedBytes < bytes) throw incomplete(bytes - storedBytes);
  try {
    const folder = await openModelFolder(sourcesOf(kept));
    return { ...folder, info: infoOf({ ...facts, ...record }, id, bytes, record), updateFailed: null };
  } catch (error) {
    // The browser still lists a shard whose bytes it has cleared.
    let cleared = false;
    for (const file of kept.values()) cleared = (await file.dropUnreadable()) || cleared;
    if (!cleared) throw error;
    throw incomplete(bytes - [...kept.values()].reduce((sum, file) => sum + file.storedBytes, 0));
  }
}

/** With a `patience` (ms), no answer within it is as good as none: a train's Wi-Fi must not keep a model that is here from opening. */
export async function fetchManifest(
  source: ModelSource,
  { fetch, signal }: Pick<OpenOptions, 'fetch' | 'signal'>,
  patience?: number,
): Promise<Manifest> {
  // A timer of our own: Node 20 may collect an AbortSignal.timeout that only AbortSignal.any still knows, and it never fires.
  const tooLong = new AbortController();
  const timer = patience === undefined ? undefined : setTimeout(() => tooLong.abort(), patience);
  const both = signal ? AbortSignal.any([signal, tooLong.signal]) : tooLong.signal;
  try {
    const response = await request(
      { fetch: fetch ?? ownFetch, baseUrl: source.baseUrl, signal: both },
      'manifest.json',
    );
    return checkManifest(await parseJson('manifest.json', await response.blob()), 'manifest.json');
  } catch (error) {
    if (!tooLong.signal.aborted || signal?.aborted) throw error;
    throw new Trouble(
      'file-missing',
      { file: 'manifest.json', status: 0 },
      `manifest.json: no answer within ${patience} ms.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** The folder, whole: what is missing is fetched; what is here but cannot be read any more is dropped and fetched, once a file. */
async function completed(
  manifest: Manifest,
  source: ModelSource,
  options: OpenOptions,
  db: Database,
): Promise<ModelFolder> {
  const { onProgress } = options;
  const onTransfer: OnTransfer = ({ doneBytes, totalBytes, phase }) => {
    if (phase === 'fetching') onProgress?.({ phase: 'opening-model', done: doneBytes, total: totalBytes });
  };
  const how = { ...options, db, fetch: options.fetch ?? ownFetch, baseUrl: source.baseUrl, onTransfer };
  const dropped = new Set<string>();
  for (;;) {
    const kept = byPath(manifest, await download(manifest.files, how));
    for (const file of kept.values()) if (file.state === 'doubted') await refuse(file);
    try {
      return await openModelFolder(sourcesOf(kept));
    } catch (error) {
      const bad = error instanceof Trouble ? kept.get(damagedFile(error) ?? '') : undefined;
      if (!bad || dropped.has(bad.file.sha256)) throw error;
      dropped.add(bad.file.sha256);
      if (error instanceof Trouble && error.code === 'file-damaged') await bad.drop(); // what cannot be read has gone already
    }
  }
}

// The bundled model's files and manifest are made together: another hash is damage, not an opinion.
async function refuse(kept: KeptFile): Promise<never> {
  const got = kept.got;
  await kept.drop();
  throw otherSize(kept.file, `other bytes (sha256 ${got})`);
}

/** Files with the same bytes share what is kept. */
export function byPath({ files }: Manifest, kept: readonly KeptFile[]): Map<string, KeptFile> {
  return new Map(
    files.flatMap(({ path, sha256 }) => {
      const found = kept.find((one) => one.file.sha256 === sha256);
      return found ? [[path, found] as const] : [];
    }),
  );
}
const sourcesOf = (kept: ReadonlyMap<string, KeptFile>): Map<string, ByteSource> =>
  new Map([...kept].map(([path, file]) => [path, file.source()]));

const damagedFile = (trouble: Trouble): string | null =>
  trouble.code === 'file-damaged' || trouble.code === 'file-unreadable'
    ? (trouble as Trouble<'file-damaged' | 'file-unreadable'>).facts.file
    : null;
