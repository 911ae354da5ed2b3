// The address of a diffusers folder in; its files, fetched once, checked, kept in IndexedDB and opened from there (also offline), out.
import { type ModelFolder, openModelFolder, parseJson } from '../files/model-folder.ts';
import { Trouble } from '../trouble.ts';
import type { ModelInfo, OnProgress } from '../worker/api.ts';
import { type Database, database } from './database.ts';
import { type Fetching, fetchFile, request } from './fetch-file.ts';
import { checkManifest, type Manifest, sameFiles, totalBytes } from './manifest.ts';
import { dropShards, SHARD_BYTES, storedFile } from './shards.ts';
import { checkSpace } from './space.ts';

/** Where a model comes from, and what the page says of it. */
export interface ModelSource extends Omit<ModelInfo, 'resolution' | 'sizes' | 'bytes'> {
  baseUrl: URL; // of the folder, with a slash at its end; `manifest.json` lies in it
}
export interface ModelFiles extends ModelFolder {
  readonly info: Omit<ModelInfo, 'resolution' | 'sizes'>;
  /** Why nobody could say whether there is a newer version (offline), or why it could not be taken; the one that was here is in use. */
  readonly updateFailed: Trouble | null;
}
export interface OpenOptions {
  onProgress?: OnProgress; // bytes
  signal?: AbortSignal;
  fetch?: typeof globalThis.fetch;
  db?: Database;
  shardBytes?: number; // smaller in tests
  patienceMs?: number; // how long a model that is here waits to hear of a newer one
}

const PATIENCE_MS = 5000;

/** The bundled model, relative to the page (`document.baseURI`; a worker's own address is another). */
export const demoModel = (page: string | URL): ModelSource => ({
  id: 'demo',
  name: 'Demo model',
  source: 'Darkroom',
  licence: 'MIT',
  baseUrl: new URL('models/demo/', page),
});

/**
 * Opens a model, fetching what is missing of it. Online, its manifest is looked at first: a replaced model is fetched (only the files that
 * changed) and takes the old one's place when it is whole. Offline, and whenever that fails, the stored one is used.
 */
export async function openModel(source: ModelSource, options: OpenOptions = {}): Promise<ModelFiles> {
  const { id } = source;
  const db = options.db ?? database('darkroom-models');
  const stored = (await db.get<Manifest>(['model', id])) ?? null;
  const inUse = async (manifest: Manifest, updateFailed: Trouble | null): Promise<ModelFiles> => {
    const folder = await completed(manifest, source, options, db);
    const { baseUrl: _baseUrl, ...info } = source;
    return { ...folder, info: { ...info, bytes: folder.bytes }, updateFailed };
  };
  try {
    const latest = await fetchManifest(source, options, stored ? (options.patienceMs ?? PATIENCE_MS) : undefined);
    if (stored && sameFiles(stored, latest)) return await inUse(stored, null);
    const files = await inUse(latest, null);
    await db.write({ put: [[['model', id], latest]] });
    if (stored) await dropUnused(db, stored);
    return files;
  } catch (error) {
    if (!stored || !(error instanceof Trouble)) throw error;
    return inUse(stored, error);
  }
}

/** Ids of the models that can be opened offline (their parts may still turn out to be missing). */
export const storedModels = async (db: Database = database('darkroom-models')): Promise<string[]> =>
  (await db.keysUnder(['model'])).map((key) => String(key[1]));

/** Removes a model; files it shares with another one stay. */
export async function deleteModel(id: string, db: Database = database('darkroom-models')): Promise<void> {
  const manifest = await db.get<Manifest>(['model', id]);
  await db.write({ remove: [['model', id]] });
  if (manifest) await dropUnused(db, manifest);
}

/** With a `patience` (ms), no answer within it is as good as none: a train's Wi-Fi must not keep a model that is here from opening. */
async function fetchManifest(
  source: ModelSource,
  { fetch, signal }: OpenOptions,
  patience?: number,
): Promise<Manifest> {
  const tooLong = patience === undefined ? undefined : AbortSignal.timeout(patience);
  const signals = [signal, tooLong].filter((one) => one !== undefined);
  const from = {
    fetch: fetch ?? globalThis.fetch.bind(globalThis),
    baseUrl: source.baseUrl,
    signal: AbortSignal.any(signals),
  };
  try {
    const response = await request(from, 'manifest.json');
    return checkManifest(await parseJson('manifest.json', await response.blob()), 'manifest.json');
  } catch (error) {
    if (!tooLong?.aborted || signal?.aborted) throw error;
    throw new Trouble(
      'file-missing',
      { file: 'manifest.json', status: 0 },
      `manifest.json: no answer within ${patience} ms.`,
    );
  }
}

/** The folder, whole: what is missing is fetched; what is here but cannot be read any more is dropped and fetched, once a file. */
async function completed(
  manifest: Manifest,
  source: ModelSource,
  options: OpenOptions,
  db: Database,
): Promise<ModelFolder> {
  const dropped = new Set<string>();
  for (;;) {
    const blobs = await fetchMissing(manifest, source, options, db);
    try {
      return await openModelFolder(blobs);
    } catch (error) {
      const bad = manifest.files.find(({ path }) => error instanceof Trouble && path === damagedFile(error));
      if (!bad || dropped.has(bad.path)) throw error;
      dropped.add(bad.path);
      await dropShards(db, [bad.sha256]);
    }
  }
}

const damagedFile = (trouble: Trouble): string | null =>
  trouble.code === 'file-damaged' ? (trouble as Trouble<'file-damaged'>).facts.file : null;

async function fetchMissing(
  { files }: Manifest,
  source: ModelSource,
  { onProgress, signal, fetch, shardBytes = SHARD_BYTES }: OpenOptions,
  db: Database,
): Promise<Map<string, Blob>> {
  const total = totalBytes(files);
  const blobs = new Map<string, Blob>();
  for (const file of files) {
    const blob = await storedFile(db, file, shardBytes);
    if (blob) blobs.set(file.path, blob);
  }
  const missing = files.filter(({ path }) => !blobs.has(path));
  let done = total - totalBytes(missing);
  const tell = (bytes: number) => onProgress?.({ phase: 'opening-model', done: done + bytes, total });
  tell(0);
  if (missing.length > 0) await checkSpace(totalBytes(missing));
  const fetching: Fetching = {
    db,
    fetch: fetch ?? globalThis.fetch.bind(globalThis),
    baseUrl: source.baseUrl,
    signal,
    shardBytes,
    onBytes: tell,
  };
  for (const file of missing) {
    // Asked again: two files of a model may have the same bytes, and the first has just brought them.
    if (!(await storedFile(db, file, shardBytes))) await fetchFile(fetching, file);
    done += file.bytes;
    tell(0);
    blobs.set(file.path, (await storedFile(db, file, shardBytes)) as Blob);
  }
  return blobs;
}

async function dropUnused(db: Database, old: Manifest): Promise<void> {
  const used = new Set(
    (await db.valuesUnder<Manifest>(['model'])).flatMap(({ files }) => files.map((file) => file.sha256)),
  );
  await dropShards(
    db,
    old.files.map(({ sha256 }) => sha256).filter((sha256) => !used.has(sha256)),
  );
}
